"""What stops a cell or a command, told in one line."""

__all__ = ["Stopped"]


class Stopped(KeyboardInterrupt):
    """Stop, Interrupt or Ctrl-C came during a training of the course; what was learnt until then is kept.

    It goes on upwards, so that a loop around the training, the rest of the cell and Run All end too. Jupyter shows its
    one line instead of a traceback.
    """

    def _render_traceback_(self):
        return [str(self)]
