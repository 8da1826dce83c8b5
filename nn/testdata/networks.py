# Writes networks.json: what PyTorch computes with the networks of nn/networks.go in float64.
# Weights and images are numbers that a formula gives, the same as in networks_test.go.
#
#     python nn/testdata/networks.py > nn/testdata/networks.json
import json
import torch
from torch import nn

torch.set_default_dtype(torch.float64)


def numbers(k, shape):
    n = 1
    for d in shape:
        n *= d
    i = torch.arange(n, dtype=torch.int64)
    return (((i * 7919 + k * 104729) % 2001 - 1000).double() / 1000).reshape(shape)


class Residual(nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


def conv(i, o, k, stride=1, padding=0):
    return nn.Conv2d(i, o, k, stride, padding)


def multilayer():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 10))


def simpleconv():
    return nn.Sequential(conv(1, 30, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4320, 100), nn.ReLU(), nn.Linear(100, 10))


def deepconv():
    layers = []
    for i, o, padding in [(1, 16, 1), (16, 16, 1), (16, 32, 1), (32, 32, 2), (32, 64, 1), (64, 64, 1)]:
        layers += [conv(i, o, 3, 1, padding), nn.ReLU()]
        if len(layers) % 5 == 4:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(1024, 50), nn.ReLU(), nn.Dropout(), nn.Linear(50, 10), nn.Dropout())


def resnet20():
    layers = [conv(1, 16, 3, 1, 1), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for out in 16, 32, 64:
        for block in range(3):
            stride = out // channels
            body = nn.Sequential(conv(channels, out, 3, stride, 1), nn.BatchNorm2d(out), nn.ReLU(), conv(out, out, 3, 1, 1), nn.BatchNorm2d(out))
            shortcut = nn.Identity() if stride == 1 else nn.Sequential(conv(channels, out, 1, stride), nn.BatchNorm2d(out))
            layers += [Residual(body, shortcut), nn.ReLU()]
            channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


result = {}
for make in multilayer, simpleconv, deepconv, resnet20:
    net = make()
    k = 0
    with torch.no_grad():
        for module in net.modules():
            for name, p in module.named_parameters(recurse=False):
                if isinstance(module, nn.Linear) and name == "weight":
                    p.copy_((numbers(k, p.T.shape) / p.shape[1] ** 0.5).T)
                elif isinstance(module, nn.Conv2d) and name == "weight":
                    p.copy_(numbers(k, p.shape) / p[0].numel() ** 0.5)
                elif isinstance(module, nn.BatchNorm2d) and name == "weight":
                    p.copy_(1 + numbers(k, p.shape) / 10)
                else:
                    p.copy_(numbers(k, p.shape) / 10)
                k += 1
        x = (numbers(99, (2, 1, 28, 28)) + 1) / 2
        case = {"parameters": sum(p.numel() for p in net.parameters())}
        case["evaluation"] = net.eval()(x).flatten().tolist()
        if make is not deepconv:  # whose dropout draws other numbers here
            case["training"] = net.train()(x).flatten().tolist()
        result[make.__name__] = case
print(json.dumps(result, indent=1))
