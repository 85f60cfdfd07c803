"""Whether this process is about to end: what still generates then stops at the next token.

while rows and not ENDING.is_set():
    ...
"""

import threading

ENDING = threading.Event()
