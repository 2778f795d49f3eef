"""Simulated OpenAI: the parts of its API that the product uses.

`routes` is to be mounted under `/openai/v1`.
"""

from lab.openai.routes import routes

__all__ = ["routes"]
