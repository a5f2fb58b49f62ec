"""Kernels that other kernels call: compiled as parts of them.

For each kernel numba makes an entry for calls from Python, which unpacks dozens of
arrays; it optimizes the kernel, turns it into machine code, and optimizes it once more
in each kernel that calls it. Where only kernels call a kernel, all but the last is for
nothing, and it was half of what compiling took. So kernels call a version without an
entry, whose code is left as it is for the kernel that Python calls to be optimized
with. It is not kept on disk either: what Python calls has all of it.
"""

from collections.abc import Callable
from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import AnalysisPass, register_pass
from numba.core.registry import CPUDispatcher
from numba.core.typed_passes import IRLegalization


class _Library(JITCodeLibrary):
    """Code to be linked into other code, and not to be run by itself."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=False, analysis_only=True)
class _AsPart(AnalysisPass):
    """Choose the library that the next pass fills."""

    _name = "sklearn_scd_as_part"

    def __init__(self) -> None:
        AnalysisPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        codegen = state.targetctx.codegen()
        state.library = _Library(codegen, state.func_id.func_qualname)
        state.flags.no_compile = True
        return True


class _Compiler(CompilerBase):
    def define_pipelines(self) -> list[Any]:
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_AsPart, IRLegalization)
        passes.finalize()
        return [passes]


class _Part(CPUDispatcher):
    """The versions of a kernel that are parts of others."""

    def __init__(self, py_func: Callable[..., Any], options: dict[str, Any]) -> None:
        options = {**options, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        super().__init__(py_func, targetoptions=options, pipeline_class=_Compiler)

    def add_overload(self, cres: Any) -> None:
        # In place of the function that Python would call, of which there is none, an
        # object by which numba finds the code.
        cres = cres._replace(entry_point=object())
        libraries = [cres.library]
        self.targetctx.insert_user_function(cres.entry_point, cres.fndesc, libraries)
        self.overloads[tuple(cres.signature.args)] = cres


def show_part_to_kernels(dispatcher: Any) -> None:
    """Let calls from other kernels be of a version that is compiled into them.

    Parameters
    ----------
    dispatcher : numba.core.registry.CPUDispatcher
        A kernel. Calls from Python stay as they are.
    """
    part = _Part(dispatcher.py_func, dispatcher.targetoptions)
    dispatcher.get_call_template = part.get_call_template
    dispatcher.get_overload = part.get_overload
