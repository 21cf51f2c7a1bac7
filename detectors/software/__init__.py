"""Software that somebody hands in: what is inside it, what that can do, and the verdict.

``formats`` tells what content is, ``unpack`` opens it under a ``budget``, ``analysis`` looks at every file, and what is
found are ``facts``; ``worker`` runs all of it in a process shut in by ``sandbox``. ``verdict`` is computed from facts.
"""
