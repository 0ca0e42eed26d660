"""In what form labels and weights come to a step: class ids or one-hot rows, `(rows,)` or `(rows, 1)`.

TensorFlow makes one step for tensors of several shapes, by leaving out of them what differs: so a step that was made for
ids and is then given one-hot rows knows neither sizes nor the number of axes, and no loss can read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from mtlzoo.models.multitask import MultiTaskModel


def make_anew_for_other_forms(model: MultiTaskModel, function: str, x: Any, y: Any, sample_weight: Any) -> None:
    """Let the model make its step anew if labels or weights of some head have another form than before.

    Args:
        model: The model.
        function: The attribute with the step, `"train_function"` or `"test_function"`.
        x: Images, or batches, as Keras is given them.
        y: Labels as Keras is given them.
        sample_weight: Weights as Keras is given them.
    """
    forms = _forms(model, x, y, sample_weight)
    known = model.step_forms[function]
    if any(known.get(key, form) != form for key, form in forms.items()):
        setattr(model, function, None)
        known.clear()
    known.update(forms)


def _forms(model: MultiTaskModel, x: Any, y: Any, sample_weight: Any) -> dict[str, Any]:
    if isinstance(x, keras.utils.PyDataset | Iterator) and not hasattr(x, "element_spec"):
        # All batches of Python's are completed to this form.
        y = {name: head.check(head.encode([None])) for name, head in model.heads.items()}
        sample_weight = None
    elif hasattr(x, "element_spec"):
        _, y, sample_weight = (*x.element_spec, None, None)[:3]
    parts = {"labels": y, "weights": sample_weight}
    forms = {}
    for kind, values in parts.items():
        for name, value in (values if isinstance(values, Mapping) else {"": values}).items():
            shape = getattr(value, "shape", None)
            if shape is not None and getattr(shape, "rank", 0) is not None:
                # How many objects there are in a batch is no matter of its form.
                forms[f"{kind} {name}"] = str(tuple(shape[1:]) if len(shape) <= 2 else len(shape))
    return forms
