"""Twenty steps of Prodigy on a small least-squares problem, as prodigyopt makes them.

Run: pip install torch prodigyopt && python optimizers.py
"""

import json
from pathlib import Path

import prodigyopt
import torch

ROWS, COLUMNS, STEPS = 3, 4, 20


def problem() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A matrix, a norm's vector and what both are drawn to."""
    generator = torch.Generator().manual_seed(7)
    normal = lambda *shape: torch.randn(*shape, generator=generator)
    return normal(ROWS, COLUMNS), normal(COLUMNS), normal(ROWS + 1, COLUMNS)


def case(decay: float, rates: list[float]) -> dict:
    matrix, vector, wanted = problem()
    begin = [matrix.flatten().tolist(), vector.tolist()]
    matrix, vector = torch.nn.Parameter(matrix), torch.nn.Parameter(vector)
    # Norms are not drawn to zero.
    groups = [{"params": [matrix], "weight_decay": decay}, {"params": [vector], "weight_decay": 0.0}]
    optimizer = prodigyopt.Prodigy(groups)
    steps = []
    for rate in rates:
        for group in optimizer.param_groups:
            group["lr"] = rate
        # Of half the squared distance the gradient is the distance, coordinate by coordinate weighed.
        weights = torch.arange(1, COLUMNS + 1)
        matrix.grad = (matrix.detach() - wanted[:ROWS]) * weights
        vector.grad = (vector.detach() - wanted[ROWS]) * weights
        optimizer.step()
        steps.append(
            {
                "rate": rate,
                "matrix": matrix.detach().flatten().tolist(),
                "vector": vector.detach().tolist(),
                "d": optimizer.param_groups[0]["d"],
            }
        )
    return {"decay": decay, "begin": begin, "wanted": wanted.flatten().tolist(), "steps": steps}


def main() -> None:
    falling = [1.0 - step / STEPS for step in range(STEPS)]
    warm = [0.0, 0.5] + [1.0] * (STEPS - 2)
    cases = [case(0.0, [1.0] * STEPS), case(0.1, falling), case(0.0, warm)]
    path = Path(__file__).parent / "optimizers" / "prodigy.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"prodigyopt": "1.1.2", "rows": ROWS, "columns": COLUMNS, "cases": cases}) + "\n")


main()
