"""Failures that a script can act on. What stops a run (its time, its memory) is no exception: nothing can catch it."""


class HyperCoreError(Exception):
    """`code` names the situation, `retryable` says whether the same call may succeed later, `receipt` is the id of the
    signed record that the failure left, `facts` holds whatever else the host said."""

    def __init__(self, message="", *, code="internal", retryable=False, receipt=None, facts=None):
        super().__init__(message)
        self.message = message
        self.code = code
        self.retryable = retryable
        self.facts = dict(facts or {})
        self.receipt = receipt if receipt is not None else self.facts.get("receipt")

    def __str__(self):
        return self.message


class LLMError(HyperCoreError):
    """A model request failed. `status`: of the provider's answer, else the one that the API gives for this code;
    `provider`: its name, if one was asked."""

    @property
    def status(self):
        return self.facts.get("status")

    @property
    def provider(self):
        return self.facts.get("provider")


class RateLimited(LLMError):
    """`retry_after`: seconds until the same request may succeed."""

    @property
    def retry_after(self):
        return self.facts.get("retry_after", self.facts.get("retry_after_s"))


class BudgetExceeded(HyperCoreError):
    pass


class PolicyDenied(HyperCoreError):
    pass


class ApprovalRequired(HyperCoreError):
    """A person has to agree first; `approval_id` names the question."""

    @property
    def approval_id(self):
        return self.facts.get("approval_id")


class WebError(HyperCoreError):
    pass


class LimitExceeded(HyperCoreError):
    """One of the run's counts is used up (host calls, model calls, bytes of one call)."""


class ToolError(HyperCoreError):
    pass


class ToolNotFound(ToolError, KeyError):
    pass


class InvalidArguments(ToolError, ValueError):
    pass


class ToolTimeout(ToolError, TimeoutError):
    pass


BY_NAME = {
    kind.__name__: kind
    for kind in (
        HyperCoreError, LLMError, RateLimited, BudgetExceeded, PolicyDenied, ApprovalRequired, WebError, LimitExceeded,
        ToolError, ToolNotFound, InvalidArguments, ToolTimeout,
    )
}

for _kind in BY_NAME.values():
    _kind.__module__ = "hyper_core"  # where scripts import them from, and what a traceback shows


def from_reply(error):
    """The exception of an error reply `{type, code, message, retryable, facts}`; an unknown type is the base class."""
    kind = BY_NAME.get(error["type"], HyperCoreError)
    return kind(error["message"], code=error["code"], retryable=error["retryable"], facts=error["facts"])


def not_built(what):
    return HyperCoreError(what, code="not_built")
