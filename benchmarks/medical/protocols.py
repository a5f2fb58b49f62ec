"""How the robustness of models is measured: how many images, how long an attack."""

from dataclasses import asdict, dataclass, replace

from benchmarks.medical.paper import PROTOCOL


@dataclass(frozen=True)
class Protocol:
    """The same for every model.

    Parameters
    ----------
    name : str
        "quick", "paper", or "custom" where a knob was set by itself.
    images : int
        Test images attacked, drawn at random.
    restarts : int
        Attacks an image, of which the smallest perturbation counts.
    max_iter : int
        Iterations of an attack.
    init_size : int
        Training images to start from, and most images of noise tried for a start.
    """

    name: str
    images: int
    restarts: int
    max_iter: int
    init_size: int

    def settings(self) -> dict[str, int]:
        """Return the knobs alone."""
        return {key: value for key, value in asdict(self).items() if key != "name"}

    def with_knobs(self, **knobs: int | None) -> "Protocol":
        """Return this protocol with the knobs changed that are not None."""
        changed = {key: value for key, value in knobs.items() if value is not None}
        other = replace(self, **changed)
        return self if other == self else replace(other, name="custom")


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("quick", images=10, restarts=2, max_iter=5, init_size=100),
        # Section 3: five images a set, ten runs an image.
        Protocol("paper", **PROTOCOL),
    )
}
