"""The list of networks keeps what was chosen."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from depthstudio.gui.network_chooser import NetworkChooser, NetworkItem


def test_a_file_from_elsewhere_stays_chosen_when_the_list_is_read_again(qtbot: QtBot) -> None:
    chooser = NetworkChooser("Network", "Which network")
    qtbot.addWidget(chooser)
    shipped = NetworkItem("shipped", "depthstudio-s", Path("/shipped/depthstudio-s.safetensors"), "the default")
    chooser.set_current(Path("/elsewhere/mine.safetensors"))
    chooser.set_items([shipped])
    assert chooser.current == Path("/elsewhere/mine.safetensors")
    assert chooser.combo.currentText() == "mine.safetensors"
    chooser.set_current(shipped.path)
    chooser.set_items([shipped])
    assert chooser.combo.currentText() == "depthstudio-s · the default"
