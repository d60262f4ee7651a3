"""What a command shows of how far it has come."""

from io import StringIO

from audit.progress import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_and_everything_else_a_line_for_each_tenth() -> None:
    terminal, pipe = Terminal(), StringIO()
    for out in (terminal, pipe):
        progress = Progress(out, total=400, what="records")
        for done in (0, 20, 40, 200, 400, 410):
            progress.show(done)
        progress.end()
    assert terminal.getvalue().count("\r") == 6
    assert f"\r[{'#' * 15}{' ' * 15}] 200/400" in terminal.getvalue()
    assert terminal.getvalue().endswith(f"\r[{'#' * 30}] 410/410\n")
    assert pipe.getvalue().splitlines() == ["40 of 400 records", "200 of 400 records", "400 of 400 records"]
