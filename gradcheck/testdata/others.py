"""What other checks say of wrong layers of the gallery.

Each function below is a layer of gallery_*_test.go of the same name, as a
torch.autograd.Function. Two checks run on it:

  gradcheck   torch.autograd.gradcheck with its default settings, in float64
  difference  a central difference of h = 1/1024 in float32 at one input, compared with
              rtol = atol = 1e-3: tf.test.compute_gradient and the bounds that
              TensorFlow's own tests use for float32. (The layer test of Keras,
              run_layer_test, trains a layer but compares no gradient.)

Prints others.json, of which docs/GRADCHECK-gallery.md is written:

  python gradcheck/testdata/others.py > gradcheck/testdata/others.json
"""
import json
import math
import random

import torch

LAYERS = []


def layer(kind, *shape, low=-2.0, high=2.0):
    """layer registers the maker of a layer, which returns f(x, *parameters) and the parameters."""

    def register(make):
        LAYERS.append((kind, make, shape or (4, 3), low, high))
        return make

    return register


def function(forward, backward):
    """function is the function of one or more tensors with the given gradient."""

    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *inputs):
            ctx.save_for_backward(*inputs)
            return forward(*inputs)

        @staticmethod
        def backward(ctx, dy):
            return backward(dy, *ctx.saved_tensors)

    return F.apply


def parameters(*shapes):
    g = torch.Generator().manual_seed(7)
    return [torch.rand(s, generator=g, dtype=torch.float64) + 0.5 for s in shapes]


def affine(x, w, b):
    return x @ w + b


W_B = ((3, 2), (2,))


# The planted kinds.
@layer("sign")
def CosSign():
    return function(torch.cos, lambda dy, x: dy * torch.sin(x)), []


@layer("sign")
def SoftmaxSign():
    def b(dy, x):
        y = torch.softmax(x, 1)
        return y * (dy + (dy * y).sum(1, keepdim=True))

    return function(lambda x: torch.softmax(x, 1), b), []


@layer("factor")
def SquareFactor():
    return function(lambda x: x * x, lambda dy, x: dy * x), []


@layer("factor")
def NearlyOne():
    return function(lambda x: torch.sin(math.pi * x), lambda dy, x: dy * 3.14 * torch.cos(math.pi * x)), []


@layer("transpose")
def SquareW():
    return function(lambda x, w: x @ w, lambda dy, x, w: (dy @ w, x.T @ dy)), parameters((3, 3))


@layer("transpose", 4, 4)
def GatherAsScatter():
    index = torch.tensor([2, 0, 3, 1])
    return function(lambda x: x[:, index], lambda dy, x: dy[:, index]), []


@layer("missing sum")
def LastSampleOfBias():
    return function(affine, lambda dy, x, w, b: (dy @ w.T, x.T @ dy, dy[-1])), parameters(*W_B)


@layer("missing sum")
def MeanForSum():
    return function(affine, lambda dy, x, w, b: (dy @ w.T, x.T @ dy, dy.mean(0))), parameters(*W_B)


@layer("missing mean")
def MeanOfFeatures():
    return function(lambda x: x.mean(1), lambda dy, x: dy[:, None].expand_as(x)), []


@layer("missing mean")
def VarianceIsConstant():
    def f(x):
        c = x - x.mean(1, keepdim=True)
        return c / torch.sqrt((c * c).mean(1, keepdim=True) + 1e-5)

    def b(dy, x):
        c = x - x.mean(1, keepdim=True)
        return (dy - dy.mean(1, keepdim=True)) / torch.sqrt((c * c).mean(1, keepdim=True) + 1e-5)

    return function(f, b), []


@layer("stale row")
def LastRowForgotten():
    def b(dy, x):
        dx = dy * torch.cos(x)
        dx[-1] = 0
        return dx

    return function(torch.sin, b), []


@layer("writes")
def XInPlace():
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.clamp(min=0)
            ctx.save_for_backward(y)
            x.data.copy_(y)
            return y

        @staticmethod
        def backward(ctx, dy):
            (y,) = ctx.saved_tensors
            return dy * (y > 0)

    return F.apply, []


@layer("writes")
def DYInPlace():
    def b(dy, x):
        dy.data.mul_(x > 0)
        return dy.clone()

    return function(torch.relu, b), []


@layer("function")
def TanhByAFraction():
    def f(x):
        return x * (27 + x * x) / (27 + 9 * x * x)

    def b(dy, x):
        n, d = x * (27 + x * x), 27 + 9 * x * x
        return dy * ((27 + 3 * x * x) * d - n * 18 * x) / (d * d)

    return function(f, b), []


@layer("second Backward")
def OnlyOnce():
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            ctx.done = False
            return torch.sin(x)

        @staticmethod
        def backward(ctx, dy):
            (x,) = ctx.saved_tensors
            dx = dy * torch.cos(x) * (not ctx.done)
            ctx.done = True
            return dx

    return F.apply, []


@layer("second Backward")
def CachedDX():
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            ctx.cached = None
            return torch.sin(x)

        @staticmethod
        def backward(ctx, dy):
            if ctx.cached is None:
                ctx.cached = dy * torch.cos(*ctx.saved_tensors)
            return ctx.cached.clone()

    return F.apply, []


@layer("shape")
def DXFlat():
    return function(torch.sin, lambda dy, x: (dy * torch.cos(x)).reshape(-1)), []


@layer("shape")
def DXOfOneSample():
    return function(torch.sin, lambda dy, x: (dy * torch.cos(x)).sum(0, keepdim=True)), []


# State across steps.
@layer("state")
def MeanOfFirstBatch():
    mean = []

    def f(x):
        if not mean:
            mean.append(x.mean(0))
        return x - mean[0]

    return function(f, lambda dy, x: dy), []


@layer("state")
def PenaltyAfterWarmUp():
    calls = [0]

    def b(dy, x):
        calls[0] += 1
        return dy * torch.cos(x) + (0.01 * x if calls[0] > 2 else 0)

    return function(torch.sin, b), []


@layer("state")
def TransposeCached():
    cache = []

    def b(dy, x, w):
        if not cache:
            cache.append(w.T.clone())
        return dy @ cache[0], x.T @ dy

    return function(lambda x, w: x @ w, b), parameters((3, 2))


@layer("state")
def FifthStep():
    ring, count = [None] * 4, [0]

    def f(x):
        ring[count[0] % 4] = x.clone()
        count[0] += 1
        return torch.sin(x)

    return function(f, lambda dy, x: dy * torch.cos(ring[min(count[0] - 1, 3)])), []


# Batch sizes.
def bias_of(db):
    return function(affine, lambda dy, x, w, b: (dy @ w.T, x.T @ dy, db(dy))), parameters(*W_B)


@layer("sizes")
def EightAtMost():
    return bias_of(lambda dy: dy[:8].sum(0))


@layer("sizes")
def Pairs():
    return bias_of(lambda dy: dy.sum(0) if len(dy) == 1 else dy[: len(dy) // 2 * 2].sum(0))


@layer("sizes")
def GrownAndNotShrunk():
    own = []

    def db(dy):
        if not own or len(own[0]) < len(dy):
            own[:] = [torch.zeros_like(dy)]
        own[0][: len(dy)] = dy
        return own[0].sum(0)

    return bias_of(db)


# Sharing. Each check runs one layer alone.
PACKAGE = {}


@layer("sharing")
def XOfThePackage():
    def f(x):
        PACKAGE["x"] = x
        return torch.sin(x)

    return function(f, lambda dy, x: dy * torch.cos(PACKAGE["x"])), []


@layer("sharing")
def OwnY():
    own = []

    def f(x):
        y = torch.sin(x)
        if not own:
            own.append(y)
        own[0].data.copy_(y)
        return own[0].detach()

    return function(f, lambda dy, x: dy * torch.cos(x)), []


# Modes: both checks run a layer in one of them.
class Moded:
    training = True


@layer("modes")
def EvaluationScales():
    mode = Moded()
    scale = lambda: 1.0 if mode.training else 0.5
    return function(lambda x: x * scale(), lambda dy, x: dy * scale()), []


@layer("modes")
def BackwardAlwaysTrains():
    mode = Moded()

    def f(x):
        if not mode.training:
            return x / math.sqrt(2)
        c = x - x.mean(0)
        return c / torch.sqrt((c * c).mean(0) + 1e-5)

    def b(dy, x):
        c = x - x.mean(0)
        inv = 1 / torch.sqrt((c * c).mean(0) + 1e-5)
        h = c * inv
        return inv * (dy - dy.mean(0) - h * (dy * h).mean(0))

    return function(f, b), []


@layer("modes", 4, 10)
def MaskOfGlobalRandom():
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            mask = torch.tensor([[2.0 * (random.random() < 0.5) for _ in r] for r in x], dtype=x.dtype)
            ctx.save_for_backward(mask)
            return x * mask

        @staticmethod
        def backward(ctx, dy):
            return dy * ctx.saved_tensors[0]

    return F.apply, []


# Inputs.
@layer("inputs")
def SigmoidOverflows():
    s = lambda x: torch.exp(x) / (1 + torch.exp(x))
    return function(s, lambda dy, x: dy * torch.sigmoid(x) * torch.sigmoid(-x)), []


@layer("inputs")
def ZerosSkipped():
    return function(torch.sin, lambda dy, x: dy * torch.cos(x) * (x != 0)), []


@layer("inputs")
def ReLU6PassesAboveSix():
    return function(lambda x: x.clamp(0, 6), lambda dy, x: dy * (x > 0)), []


@layer("inputs")
def AllMaximaGetIt():
    return function(lambda x: x.max(1).values, lambda dy, x: dy[:, None] * (x == x.max(1, keepdim=True).values)), []


@layer("inputs")
def DYClipped():
    return function(torch.sin, lambda dy, x: dy.clamp(-5, 5) * torch.cos(x)), []


@layer("inputs")
def DYOfZeros():
    return function(torch.sin, lambda dy, x: dy / dy.abs().max() * dy.abs().max() * torch.cos(x)), []


# float32.
@layer("float32")
def SignIn32():
    return function(torch.sin, lambda dy, x: dy * torch.cos(x) * (-1 if x.dtype == torch.float32 else 1)), []


@layer("float32")
def HalfPrecision():
    low = lambda y: y.bfloat16().float() if y.dtype == torch.float32 else y
    return function(lambda x: low(torch.sin(x)), lambda dy, x: dy * torch.cos(x)), []


@layer("float32")
def OverflowsIn32():
    def f(x):
        if x.dtype == torch.float64:
            return torch.tanh(x)
        e = torch.exp(2 * x)
        return (e - 1) / (e + 1)

    return function(f, lambda dy, x: dy * (1 - torch.tanh(x) ** 2)), []


# Parameters.
@layer("parameters")
def Unused():
    f = lambda x, w, b, scale: affine(x, w, b)
    back = lambda dy, x, w, b, scale: (dy @ w.T, x.T @ dy, dy.sum(0), torch.zeros_like(scale))
    return function(f, back), parameters(*W_B, (2,))


@layer("parameters")
def Forgotten():
    w, b = parameters(*W_B)
    return function(lambda x, w: affine(x, w, b.to(x.dtype)), lambda dy, x, w: (dy @ w.T, x.T @ dy)), [w]


def inputs_of(make, shape, low, high, dtype):
    f, params = make()
    g = torch.Generator().manual_seed(1)
    x = low + (high - low) * torch.rand(shape, generator=g, dtype=torch.float64)
    return f, [t.to(dtype).requires_grad_() for t in [x, *params]]


def by_gradcheck(f, inputs):
    try:
        return not torch.autograd.gradcheck(f, inputs)
    except (RuntimeError, ValueError):
        return True


def by_difference(f, inputs):
    try:
        return differs(f, inputs)
    except RuntimeError:
        return True


def differs(f, inputs, h=1 / 1024, bound=1e-3):
    for t in inputs:
        rows = []
        n = f(*inputs).numel()
        for i in range(n):
            y = f(*inputs)
            dy = torch.zeros(n)
            dy[i] = 1
            (d,) = torch.autograd.grad(y, t, dy.reshape(y.shape), allow_unused=True)
            rows.append(torch.zeros(t.numel()) if d is None else d.reshape(-1))
        want = torch.empty(n, t.numel())
        flat = t.detach().clone().reshape(-1)
        for j in range(flat.numel()):
            sides = []
            for step in (h, -h):
                moved = flat.clone()
                moved[j] += step
                at = [moved.reshape(t.shape) if u is t else u.detach().clone() for u in inputs]
                sides.append(f(*at).detach().reshape(-1).clone())
            want[:, j] = (sides[0] - sides[1]) / (2 * h)
        if not torch.allclose(torch.stack(rows), want, rtol=bound, atol=bound):
            return True
    return False


def main():
    torch.set_num_threads(1)
    random.seed(1)
    layers = [
        {
            "Kind": kind,
            "Name": make.__name__,
            "Gradcheck": by_gradcheck(*inputs_of(make, shape, low, high, torch.float64)),
            "Difference": by_difference(*inputs_of(make, shape, low, high, torch.float32)),
        }
        for kind, make, shape, low, high in LAYERS
    ]
    print(json.dumps({"PyTorch": torch.__version__.split("+")[0], "Layers": layers}, indent=1))


if __name__ == "__main__":
    main()
