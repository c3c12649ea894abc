"""Compiles a component ahead of time for this machine, with the settings of `crates/sandbox/src/settings.rs`.

    python precompile.py <component.wasm> <output.cwasm> <target triple>
"""

import sys

from wasmtime import Config, Engine
from wasmtime.component import Component


def main(component: str, output: str, target: str) -> None:
    config = Config()
    config.wasm_component_model = True
    config.epoch_interruption = True
    config.memory_init_cow = True
    config.gc_support = False
    config.wasm_threads = False
    config.wasm_exceptions = False
    config.target = target
    with open(component, "rb") as file:
        compiled = Component(Engine(config), file.read())
    with open(output, "wb") as file:
        file.write(compiled.serialize())


main(*sys.argv[1:])
