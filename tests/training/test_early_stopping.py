"""When waiting ends, and which epoch was the best."""

from __future__ import annotations

from depthstudio.training.early_stopping import EarlyStopping


def run_through(curve: list[float], stopping: EarlyStopping) -> int:
    """The epoch after which the run stops; 0 when it never does."""
    for epoch, loss in enumerate(curve, start=1):
        stopping.update(epoch, loss)
        if stopping.should_stop:
            return epoch
    return 0


def test_best_at_8_and_patience_15_stops_at_23() -> None:
    curve = [24.0 - epoch for epoch in range(1, 9)] + [16.5] * 42
    stopping = EarlyStopping(patience=15)
    assert run_through(curve, stopping) == 23
    assert (stopping.best_epoch, stopping.best_loss) == (8, 16.0)


def test_zero_patience_never_stops() -> None:
    assert run_through([1.0] * 100, EarlyStopping(patience=0)) == 0


def test_small_improvements_become_the_best_but_do_not_buy_time() -> None:
    stopping = EarlyStopping(patience=3, min_delta=0.1)
    assert run_through([1.0, 0.99, 0.98, 0.97, 0.5], stopping) == 4
    assert stopping.best_epoch == 4


def test_many_small_improvements_add_up() -> None:
    assert run_through([1.0, 0.95, 0.89, 0.84, 0.78], EarlyStopping(patience=2, min_delta=0.1)) == 0


def test_the_network_as_it_came_is_the_one_to_beat() -> None:
    stopping = EarlyStopping(patience=2)
    stopping.start_from(5.0, 5.0)
    assert run_through([6.0, 5.5, 4.0], stopping) == 2
    assert stopping.best_epoch == 0


def test_counting_goes_on_after_a_restore() -> None:
    first, second = EarlyStopping(patience=3), EarlyStopping(patience=3)
    run_through([1.0, 2.0, 2.0], first)
    second.restore(first.state())
    assert second.waited == 2
    second.update(4, 2.0)
    assert second.should_stop
