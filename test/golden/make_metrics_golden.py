"""Golden values for daemon/evaluation, computed with scikit-learn, scipy and numpy.

    pip install scikit-learn==1.9.1 scipy==1.17.1
    python test/golden/make_metrics_golden.py > test/golden/metrics.json
"""

import json
import sys

import numpy as np
import scipy
import sklearn
from scipy.special import expit
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    det_curve,
    f1_score,
    log_loss,
    recall_score,
    roc_auc_score,
)


def equal_error_rate(scores, labels):
    """The reference's definition, threshold by threshold."""
    thresholds = np.concatenate(([np.inf], np.unique(scores)[::-1], [-np.inf]))
    fpr = np.array([np.mean(scores[labels == 0] >= t) for t in thresholds])
    fnr = np.array([np.mean(scores[labels == 1] < t) for t in thresholds])
    best = np.argmin(np.abs(fnr - fpr))
    return (fpr[best] + fnr[best]) / 2, thresholds[best]


def minimum_detection_cost(scores, labels, prior=0.05, miss=10.0, false_alarm=1.0):
    fpr, fnr, _ = det_curve(labels, scores)
    fpr, fnr = np.append(fpr, [0.0, 1.0]), np.append(fnr, [1.0, 0.0])
    cost = miss * prior * fnr + false_alarm * (1 - prior) * fpr
    return cost.min() / min(miss * prior, false_alarm * (1 - prior))


def equal_weights(labels):
    return np.where(labels == 1, 0.5 / np.sum(labels == 1), 0.5 / np.sum(labels == 0))


def calibration(logits, labels):
    """Logistic regression without penalty on Platt's targets, as clips with fractional weights of both labels."""
    positives, negatives = np.sum(labels == 1), np.sum(labels == 0)
    target = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    weight = equal_weights(labels)
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000)
    model.fit(
        np.concatenate([logits, logits])[:, None],
        np.concatenate([np.ones_like(labels), np.zeros_like(labels)]),
        sample_weight=np.concatenate([weight * target, weight * (1 - target)]) * len(labels),
    )
    return {"scale": model.coef_[0, 0], "offset": model.intercept_[0]}


def case(name, genuine, deepfake, threshold, decimals=6):
    logits = np.round(np.concatenate([genuine, deepfake]), decimals)
    labels = np.repeat([0, 1], [len(genuine), len(deepfake)])
    # Stored with ten digits so that both sides start from the same numbers.
    probabilities = np.array([float(f"{p:.10g}") for p in expit(logits)])
    predicted = (probabilities >= threshold).astype(int)
    eer, eer_threshold = equal_error_rate(probabilities, labels)
    return {
        "name": name,
        "logits": logits.tolist(),
        "probabilities": probabilities.tolist(),
        "labels": labels.tolist(),
        "threshold": threshold,
        "accuracy": accuracy_score(labels, predicted),
        "f1": f1_score(labels, predicted),
        "perClassAccuracy": recall_score(labels, predicted, average=None).tolist(),
        "confusionMatrix": confusion_matrix(labels, predicted).tolist(),
        "eer": eer,
        "eerThreshold": eer_threshold,
        "auc": roc_auc_score(labels, probabilities),
        "minDcf": minimum_detection_cost(probabilities, labels),
        "cllr": log_loss(labels, probabilities, sample_weight=equal_weights(labels)) / np.log(2),
        "calibration": calibration(logits, labels),
    }


random = np.random.default_rng(7)
cases = [
    case("overlapping", random.normal(-1, 1.5, 60), random.normal(1, 1, 40), 0.5),
    case("many ties", random.normal(-0.5, 1, 50), random.normal(0.5, 1, 50), 0.45, decimals=0),
    case("unbalanced", random.normal(-2, 1, 90), random.normal(0.3, 2, 9), 0.6),
    case("large logits", random.normal(-14, 8, 30), random.normal(9, 10, 45), 0.5),
    case("worse than chance in accuracy only", random.normal(3, 1, 40), random.normal(5, 1, 40), 0.5),
]
golden = {
    "versions": {
        "python": sys.version.split()[0],
        "scikit-learn": sklearn.__version__,
        "scipy": scipy.__version__,
        "numpy": np.__version__,
    },
    "cases": cases,
    # Percentiles of the share of successes among 80 draws of probability 0.85: what a bootstrap of that share tends to.
    "bootstrapShare": {"count": 80, "successes": 68, "interval": (binom.ppf([0.025, 0.975], 80, 0.85) / 80).tolist()},
    "quantiles": {"values": [1, 2, 4, 8.5], "shares": [0, 0.1, 0.5, 0.975, 1],
                  "expected": np.quantile([1, 2, 4, 8.5], [0, 0.1, 0.5, 0.975, 1]).tolist()},
}
json.dump(golden, sys.stdout, separators=(",", ":"))
print()
