"""How many threads a product of matrices takes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext


def single_threaded_blas() -> AbstractContextManager[object]:
    """Within it NumPy's matrix products take one thread each, where `threadpoolctl` is installed (scikit-learn brings it).

    On a busy machine threads that wait for each other after every small product take several times as long as the work.

    Example:

    ```python
    from mtlzoo.system.blas import single_threaded_blas

    with single_threaded_blas():
        pass  # many small products
    ```
    """
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    return threadpool_limits(1, user_api="blas")
