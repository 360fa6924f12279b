"""Short words about a state: chips, verdicts, notices and pages without content."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from depthstudio.gui.errors import Notice
from depthstudio.gui.theme import GRID_PX, mark, tabular, theme
from depthstudio.gui.widgets.basics import button, column, icon_button, label, row

_EMPTY_TEXT_WIDTH_PX = 440
_TONE_ICONS = {"good": "circle-check", "warning": "triangle-alert", "bad": "circle-x", "info": "info", "": "info"}
_TONE_TOKENS = {"good": "good", "warning": "warning", "bad": "bad", "info": "text_muted", "": "text_muted"}


class StatChip(QFrame):
    """A rounded word with a number, e.g. "fill 82 %". Its tone differs in icon as well as in colour.

    Hidden until a value is known. keeps_place: leave its room empty then, where the layout would jump.
    """

    def __init__(self, name: str, tip: str = "", *, keeps_place: bool = False) -> None:
        super().__init__()
        mark(self, surface="chip", tone="")
        self._name = name
        self._icon = QLabel()
        self._text = label()
        self._text.setFont(tabular(self._text.font()))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 0, 12, 0)
        layout.setSpacing(6)
        layout.addWidget(self._icon)
        layout.addWidget(self._text)
        self._tip = tip
        self.setFixedHeight(24)
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(keeps_place)
        self.setSizePolicy(policy)
        self.hide()

    def set_value(self, value: str, tone: str = "", reason: str = "") -> None:
        """Show a value. tone: good, warning, bad or empty for neutral. reason: one sentence for the tooltip.

        An empty value is not known, and the chip is hidden.
        """
        self.setVisible(bool(value))
        text = f"{self._name} {value}".strip()
        if self._text.text() != text:
            self._text.setText(text)
            self.setAccessibleName(text)
        self._icon.setVisible(bool(tone))
        if tone != self.property("tone"):
            mark(self, tone=tone)
            mark(self._text, tone=tone)
        if tone:
            theme().set_icon(self._icon, _TONE_ICONS[tone], _TONE_TOKENS[tone], 14)
        self.setToolTip(f"{self._tip}\n{reason}".strip())


class VerdictLabel(QWidget):
    """A judgement in large type with the reason under it."""

    def __init__(self) -> None:
        super().__init__()
        self._icon = QLabel()
        self._icon.setMinimumWidth(24)
        self._word = label("", "verdict", wrap=True)
        self._reason = label("", "muted", wrap=True)
        heading = row(self._icon, self._word)
        heading.setAlignment(self._icon, Qt.AlignmentFlag.AlignTop)
        heading.setStretch(1, 1)
        self.setLayout(column(heading, self._reason, spacing=4))

    def set_verdict(self, word: str, reason: str = "", tone: str = "") -> None:
        """Show a word ("Good", "Overfitting since epoch 8"), why, and its tone."""
        self._word.setText(word)
        self._reason.setText(reason)
        self._reason.setVisible(bool(reason))
        mark(self._word, tone=tone)
        self._icon.setVisible(bool(tone))
        theme().set_icon(self._icon, _TONE_ICONS[tone], _TONE_TOKENS[tone], 24)

    @property
    def word(self) -> str:
        """The judgement shown."""
        return self._word.text()


class EmptyState(QWidget):
    """What is missing, in a few words, with buttons that lead to it.

    actions: (text, callback, icon); the first is the primary one.
    """

    def __init__(
        self, icon: str, title: str, text: str, actions: Sequence[tuple[str, Callable[[], object], str]] = ()
    ) -> None:
        super().__init__()
        picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        theme().set_icon(picture, icon, "text_faint", 48)
        self._title = label(title, "title")
        self._title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text = label(text, "muted", wrap=True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._text.setFixedWidth(_EMPTY_TEXT_WIDTH_PX)
        buttons = row(1)
        for i, (caption, callback, symbol) in enumerate(actions):
            buttons.addWidget(button(caption, callback, symbol, "primary" if i == 0 else ""))
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setSpacing(GRID_PX)
        layout.addStretch(1)
        layout.addWidget(picture)
        layout.addSpacing(GRID_PX)
        layout.addWidget(self._title)
        layout.addWidget(self._text, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(GRID_PX)
        layout.addLayout(buttons)
        layout.addStretch(1)
        self.set_text(title, text)

    def set_text(self, title: str, text: str) -> None:
        """Say something else."""
        self._title.setText(title)
        self._text.setText(text)
        self._text.setMinimumHeight(self._text.heightForWidth(_EMPTY_TEXT_WIDTH_PX))


class NoticeBanner(QFrame):
    """One notice above the page: what happened, why, what to do, with "Copy details" and "Dismiss"."""

    def __init__(self, notice: Notice, log_file: str, on_close: Callable[[NoticeBanner], None]) -> None:
        super().__init__()
        self.notice = notice
        mark(self, surface="notice", tone=notice.tone)
        self.setAccessibleName(f"{notice.what} {notice.why} {notice.next_step}")
        symbol = QLabel()
        theme().set_icon(symbol, _TONE_ICONS[notice.tone], _TONE_TOKENS[notice.tone], 20)
        texts = column(label(notice.what, "section", wrap=True), spacing=2)
        for part in (notice.why, notice.next_step):
            if part:
                texts.addWidget(label(part, "", wrap=True))
        actions = row(spacing=4)
        if notice.action is not None:
            caption, callback = notice.action
            actions.addWidget(button(caption, callback))
        if notice.details:
            actions.addWidget(button("Copy details", self.copy_details, "copy", "quiet"))
            open_log = lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(log_file))  # noqa: E731
            actions.addWidget(button("Open log", open_log, "external-link", "quiet"))
        actions.addWidget(icon_button("x", "Dismiss", lambda: on_close(self)))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 8, 8)
        layout.setSpacing(12)
        layout.addWidget(symbol, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(texts, 1)
        layout.addLayout(actions)
        layout.setAlignment(actions, Qt.AlignmentFlag.AlignTop)

    def copy_details(self) -> None:
        """Put the message and the traceback on the clipboard."""
        parts = (self.notice.what, self.notice.why, self.notice.next_step, self.notice.details)
        QGuiApplication.clipboard().setText("\n".join(part for part in parts if part))
