"""The web, as far as the node's owner lets scripts see it."""

from hyper_core import _channel, _errors

RESULTS_OF_SEARCH = 5


def search(q):
    """Title, snippet and address of up to five results as text; the empty string means that nothing was found."""
    return "\n\n".join(f"{row['title']}\n{row['snippet']}\n{row['url']}" for row in search_results(q, RESULTS_OF_SEARCH))


def search_results(q, k=10):
    """Up to `k` results as dictionaries `{title, url, snippet}`."""
    return _channel.request("web.search", {"query": str(q), "k": int(k)})


def fetch(url):
    """Not built yet: the text of a page."""
    raise _errors.not_built("web.fetch: fetching pages comes with the gateway and its request guard")
