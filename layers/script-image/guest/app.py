"""Entry of the component: what is imported here is in the snapshot that every run starts from."""

import standard_library

standard_library.preload()

import event_loop
import interpreter
import hyper_core  # noqa: F401 - in the snapshot, so that a script's import costs a look-up
import neuralcore  # noqa: F401
import no_network
import wit_world

event_loop.install()
no_network.install()
interpreter.warm_up()
standard_library.freeze()


class WitWorld(wit_world.WitWorld):
    def run(self, start: str, source: str) -> str:
        return interpreter.run(start, source)
