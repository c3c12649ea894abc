"""What a script may do beyond computing: ask a model, search the web, call tools. Everything goes through one channel."""

from hyper_core import llm, web
from hyper_core._errors import (
    ApprovalRequired,
    BudgetExceeded,
    HyperCoreError,
    InvalidArguments,
    LimitExceeded,
    LLMError,
    PolicyDenied,
    RateLimited,
    ToolError,
    ToolNotFound,
    ToolTimeout,
    WebError,
)
from hyper_core._run import run, set_result
from hyper_core._tools import call_tool, tool

__version__ = "0.1.0"

__all__ = [
    "ApprovalRequired", "BudgetExceeded", "HyperCoreError", "InvalidArguments", "LimitExceeded", "LLMError", "PolicyDenied",
    "RateLimited", "ToolError", "ToolNotFound", "ToolTimeout", "WebError", "call_tool", "llm", "run", "set_result", "tool", "web",
]
