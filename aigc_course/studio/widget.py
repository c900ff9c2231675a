"""The board on screen, and sliders through the noise: mouse and keyboard, JupyterLab and Colab; else a picture."""

import base64
import html

import numpy as np

from aigc_course import data, files, plots, runtime, widgets
from aigc_course.errors import CourseError
from aigc_course.studio import conditional, steer
from aigc_course.studio.board import SIZE, Board

__all__ = ["board_controls", "play_board", "play_sliders", "slider_controls"]

_ANY = "as they are"


def _picture(images, alt, **options):
    return plots.Picture(plots.png(plots.image_grid(images, **options)), alt)


def _told(board, chosen):
    kinds = [_kind(design.shares) for design in board.designs]
    words = ", ".join(
        f"{place + 1} {kind}{' (locked)' if place in board.locked else ''}" for place, kind in enumerate(kinds)
    )
    picked = " and ".join(str(place + 1) for place in chosen) or "none"
    return f"On the board: {words}. Picked: {picked}. Kept: {len(board.kept)}."


def _kind(shares):
    parts = [(share, data.FASHION_CLASSES[i]) for i, share in enumerate(shares) if share > 0.005]
    return " with ".join(f"{share:.0%} {name}" if share < 0.995 else name for share, name in sorted(parts)[::-1])


def board_controls(ipywidgets, board, folder=None):
    """The board as an `ipywidgets.VBox`: eight places to pick, buttons, what was kept, links to export.

    Every control is a button, a slider or a list of the browser's own: Tab reaches it, Enter and Space press it.

    Args:
        ipywidgets: the module.
        board: `Board`.
        folder: where Export writes sheet.png and recipe.json; default runs/studio.
    """
    folder = folder or runtime.runs() / "studio"
    toggles = [
        ipywidgets.ToggleButton(description=f"pick {place + 1}", layout=ipywidgets.Layout(width="5.6em"))
        for place in range(SIZE)
    ]
    picture, kept, said, link = (ipywidgets.HTML() for _ in range(4))
    kind = ipywidgets.Dropdown(options=[_ANY, *data.FASHION_CLASSES], description="redraw")
    share = widgets.slider(ipywidgets, "share of 2nd", 0.5, 0.0, 1.0, 0.05)
    amount = widgets.slider(ipywidgets, "how far", 0.3, 0.0, 1.0, 0.05)
    order = []  # places in the order in which they were picked

    def chosen():
        return [place for place in order if toggles[place].value]

    def show(note=""):
        labels = [f"{place + 1}{' locked' if place in board.locked else ''}" for place in range(SIZE)]
        told = _told(board, chosen())
        picture.value = _picture(board.images(), told, columns=SIZE, labels=labels, size=0.9).html()
        kept.value = _picture(board.images(board.kept), "kept designs", size=0.7).html() if board.kept else ""
        said.value = f'<span role="status">{html.escape(note or told)}</span>'

    def act(what):
        def press(_):
            try:
                with board.together():
                    what()
                show()
            except CourseError as error:
                show(str(error))

        return press

    def need(count):
        picked = chosen()
        if len(picked) < count:
            raise CourseError(f"pick {count} place{'s' if count > 1 else ''} first; picked: {len(picked)}.")
        return picked

    def redraw():
        board.redraw(None if kind.value == _ANY else data.FASHION_CLASSES.index(kind.value))

    def mix():
        first, second = need(2)[:2]
        free = [p for p in range(SIZE) if p not in board.locked and p not in (first, second)]
        if not free:
            raise CourseError("no place is free for the mixture: unlock one.")
        board.mix(first, second, float(share.value), free[-1])

    def mutate():
        held = [str(place + 1) for place in need(1) if place in board.locked]
        if held:
            raise CourseError(f"locked: {', '.join(held)}. Unlock first, or pick others.")
        for place in need(1):
            board.mutate(place, float(amount.value))

    def lock():
        for place in need(1):
            board.lock(place)

    def keep():
        for place in need(1):
            board.keep(place)

    def undo():
        if not board.undo():
            raise CourseError("there is nothing to undo.")

    def export():
        sheet, recipe = board.sheet(), board.recipe()
        files.write_whole(folder / "sheet.png", lambda part: part.write_bytes(sheet))
        files.write_whole(folder / "recipe.json", lambda part: part.write_text(recipe, encoding="utf-8"))
        links = [
            f'<a download="{name}" href="data:{kind};base64,{base64.b64encode(content).decode()}">{name}</a>'
            for name, kind, content in (
                ("sheet.png", "image/png", sheet),
                ("recipe.json", "application/json", recipe.encode()),
            )
        ]
        link.value = f"written to {html.escape(str(folder))}; download: {', '.join(links)}"

    actions = {
        "Redraw": redraw,
        "Mix two": mix,
        "Mutate": mutate,
        "Lock or unlock": lock,
        "Keep": keep,
        "Undo": undo,
        "Export": export,
    }
    buttons = []
    for name, what in actions.items():
        buttons.append(ipywidgets.Button(description=name, layout=ipywidgets.Layout(width="auto")))
        buttons[-1].on_click(act(what))

    def picked(place):
        def change(_):
            if place in order:
                order.remove(place)
            order.append(place)
            show()

        return change

    for place, toggle in enumerate(toggles):
        toggle.observe(picked(place), names="value")
    show()
    settings = ipywidgets.HBox([kind, share, amount], layout=ipywidgets.Layout(flex_flow="row wrap"))
    row = ipywidgets.HBox(buttons, layout=ipywidgets.Layout(flex_flow="row wrap"))
    return ipywidgets.VBox([picture, ipywidgets.HBox(toggles), row, settings, said, kept, link])


def slider_controls(ipywidgets, generator, count=4, seed=7):
    """Sliders along the strongest directions of the noise (`steer.latent_directions`), class and truncation."""
    ways = steer.latent_directions(generator, count)
    rng = np.random.default_rng(seed)
    base = rng.standard_normal((6, ways.shape[1])).astype(np.float32)
    kind = ipywidgets.Dropdown(options=list(data.FASHION_CLASSES), value="dress", description="class")
    truncation = widgets.slider(ipywidgets, "truncation", 1.0, 0.0, 1.5, 0.1)
    sliders = [widgets.slider(ipywidgets, f"way {i + 1}", 0.0, -4.0, 4.0, 0.25) for i in range(count)]
    picture, said = ipywidgets.HTML(), ipywidgets.HTML()

    def redraw(change=None):
        values = np.array([slider.value for slider in sliders])
        z = truncation.value * base + values @ ways
        shares = np.zeros((6, len(data.FASHION_CLASSES)), np.float32)
        shares[:, data.FASHION_CLASSES.index(kind.value)] = 1.0
        images = conditional.draw(generator, z.astype(np.float32), shares)
        told = (
            f"Six pictures of the class {kind.value}: mean brightness {steer.brightness(images).mean():.2f}, "
            f"mean width {steer.extent(images).mean():.1f} pixels."
        )
        picture.value = _picture(images, told, columns=6, size=1.1).html()
        said.value = f'<span role="status">{told}</span>'

    for each in (kind, truncation, *sliders):
        each.observe(redraw, names="value")
    redraw()
    half = (len(sliders) + 1) // 2
    rows = [ipywidgets.HBox(part) for part in ([kind, truncation], sliders[:half], sliders[half:])]
    return ipywidgets.VBox([*rows, said, picture])


def _play(build, alt, fallback):
    try:
        import ipywidgets
    except ImportError:
        plots.show(fallback(), alt=alt)
        print("For the controls: pip install ipywidgets, then restart the kernel.")
        return
    plots.show_widget(build(ipywidgets), plots.picture(fallback(), alt))


def play_board(generator, seed=7):
    """Shows the design board and returns it; where widgets cannot run, its picture."""
    board = Board(generator, seed)
    alt = _told(board, [])
    _play(lambda module: board_controls(module, board), alt, lambda: plots.image_grid(board.images(), SIZE, size=0.9))
    return board


def play_sliders(generator):
    """Shows the sliders through the noise; where widgets cannot run, six dresses."""
    images, _ = conditional.sample_classes(generator, 6, np.full(6, 3), seed=7)
    alt = "Six generated dresses; sliders move them along directions of the noise."
    _play(lambda module: slider_controls(module, generator), alt, lambda: plots.image_grid(images, 6, size=1.1))
