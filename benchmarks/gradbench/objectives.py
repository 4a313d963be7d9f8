"""GradBench's scalar objectives as plain scalar code: loops, operators, the built-in `sum`.

The names and letters are those of the evals' descriptions. Each takes nested lists whose numbers
may be floats or Values; what comes out has the formula's shape.
"""

import math
from functools import reduce
from typing import Any

from autograd import cos, exp, log, maximum, minimum, sigmoid, sin, sqrt, tanh

Matrix = list[list[Any]]


def square(x: Any) -> Any:
    return x * x


def det(rows: Matrix) -> Any:
    """The determinant, by minors along the first row: so many products as permutations."""
    first, *others = rows
    if not others:
        return first[0]
    total = 0.0
    for j, a in enumerate(first):
        minor = det([row[:j] + row[j + 1 :] for row in others])
        total = total + a * minor if j % 2 == 0 else total - a * minor
    return total


def lse(xs: list[Any]) -> Any:
    """log sum exp(x), shifted by the maximum, so that nothing overflows."""
    top = reduce(maximum, xs)
    return top + log(sum(exp(x - top) for x in xs))


def llsq(x: list[Any], n: int) -> Any:
    """½ sum_i (sign(t_i) - sum_j x_j t_i^j)^2 at n points t_i from -1 to 1."""
    total = 0.0
    for i in range(n):
        t = -1.0 + i * 2.0 / (n - 1)
        error, power = float((t > 0) - (t < 0)), 1.0
        for a in x:
            error = error - a * power
            power = power * t
        total = total + error * error
    return total / 2


def kmeans(centroids: Matrix, points: Matrix) -> Any:
    """The sum of each point's squared distance to the centroid that is nearest to it."""
    total = 0.0
    for point in points:
        distances = [sum(square(a - b) for a, b in zip(c, point)) for c in centroids]
        total = total + reduce(minimum, distances)
    return total


def gmm(params: Any, xs: Matrix, m: int, gamma: float) -> Any:
    """The logarithm of the posterior of a mixture of Gaussians with a Wishart prior: `alpha` are
    logits, `mu` means; `q` and `l` make Q, with Q' Q the inverse covariance of a component."""
    d, k, n = len(xs[0]), len(params["alpha"]), len(xs)
    squares, scales = 0.0, 0.0
    factors = [lower(q, below) for q, below in zip(params["q"], params["l"])]
    for q, factor in zip(params["q"], factors):
        squares = squares + sum(square(v) for row in factor for v in row)
        scales = scales + sum(q)
    likelihood = 0.0
    for x in xs:
        exponents = []
        for alpha, mu, q, factor in zip(params["alpha"], params["mu"], params["q"], factors):
            away = [a - b for a, b in zip(x, mu)]
            turned = [sum(v * a for v, a in zip(row, away)) for row in factor]
            exponents.append(alpha - 0.5 * sum(square(v) for v in turned) + sum(q))
        likelihood = likelihood + lse(exponents)
    constant = n * d / 2 * math.log(2 * math.pi)
    freedom = d + m + 1
    scale = freedom * d * math.log(gamma / math.sqrt(2)) - log_multigamma(freedom / 2, d)
    prior = k * scale - gamma * gamma / 2 * squares + m * scales
    return likelihood - constant - n * lse(params["alpha"]) + prior


def lower(q: list[Any], below: list[Any]) -> Matrix:
    """A triangular matrix, row by row: exp(q) on the diagonal, the rest below, column by column."""
    d, rest = len(q), iter(below)
    columns = [[exp(q[j]), *[next(rest) for _ in range(d - 1 - j)]] for j in range(d)]
    return [[columns[j][i - j] for j in range(i + 1)] for i in range(d)]


def log_multigamma(a: float, d: int) -> float:
    """The logarithm of the multivariate gamma function."""
    gammas = [math.lgamma(a + (1 - j) / 2) for j in range(1, d + 1)]
    return d * (d - 1) / 4 * math.log(math.pi) + sum(gammas)


def lstm(main: Matrix, extra: Matrix, state: Matrix, sequence: Matrix) -> Any:
    """ADBench's LSTM, whose weight matrices are diagonal: minus the mean, over letters and bits, of
    the letter's bits times log-softmax of what the letter before it predicts. (Its softmax has a
    2 in the denominator, which is ADBench's, too.)"""
    cells = [list(row) for row in state]  # hidden, cell; hidden, cell; ...
    total, count = 0.0, 0
    for x, following in zip(sequence, sequence[1:]):
        h = [v * w for v, w in zip(x, extra[0])]
        for i in range(0, len(main), 2):
            cells[i], cells[i + 1] = cell(main[i], main[i + 1], h, cells[i], cells[i + 1])
            h = cells[i]
        y = [v * w + b for v, w, b in zip(h, extra[1], extra[2])]
        norm = log(sum(exp(v) for v in y) + 2.0)
        total = total + sum(bit * (v - norm) for bit, v in zip(following, y))
        count += len(y)
    return -total / count


def cell(w: list[Any], b: list[Any], x: list[Any], h: list[Any], c: list[Any]) -> Any:
    """(hidden, cell) after one step of a layer: gates forget, in, out, and the change."""
    n = len(x)
    hidden, inside = [], []
    for i in range(n):
        forget = sigmoid(x[i] * w[i] + b[i])
        ingate = sigmoid(h[i] * w[n + i] + b[n + i])
        outgate = sigmoid(x[i] * w[2 * n + i] + b[2 * n + i])
        change = tanh(h[i] * w[3 * n + i] + b[3 * n + i])
        inside.append(c[i] * forget + ingate * change)
        hidden.append(outgate * tanh(inside[i]))
    return hidden, inside


def ode(x: list[Any], s: int) -> list[Any]:
    """y(2) by s steps of RK4, where y_0' = x_0, y_i' = x_i y_(i-1), and y(0) = 0."""
    n, h = len(x), 2.0 / s

    def slopes(y: list[Any]) -> list[Any]:
        return [x[0]] + [x[i] * y[i - 1] for i in range(1, n)]

    y = [0.0] * n
    for _ in range(s):
        k1 = slopes(y)
        k2 = slopes([y[i] + h / 2 * k1[i] for i in range(n)])
        k3 = slopes([y[i] + h / 2 * k2[i] for i in range(n)])
        k4 = slopes([y[i] + h * k3[i] for i in range(n)])
        y = [y[i] + h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]) for i in range(n)]
    return y


# --- bundle adjustment ----------------------------------------------------------------------------


def reprojection(camera: list[Any], point: list[Any], w: Any, feature: list[float]) -> list[Any]:
    """w times what the camera sees too far to the right, and too low. A camera: rotation vector
    (3), centre (3), focal length, principal point (2), radial distortion (2)."""
    x, y, z = rotated(camera[:3], [a - b for a, b in zip(point, camera[3:6])])
    x, y = x / z, y / z
    r = x * x + y * y
    scale = camera[6] * (1.0 + camera[9] * r + camera[10] * r * r)
    return [
        w * (x * scale + camera[7] - feature[0]),
        w * (y * scale + camera[8] - feature[1]),
    ]


def rotated(r: list[Any], p: list[Any]) -> list[Any]:
    """The point p turned around the axis r by the angle |r| (Rodrigues' formula)."""
    angle = sqrt(sum(square(a) for a in r))
    x, y, z = [a / angle for a in r]
    c, s = cos(angle), sin(angle)
    along = (x * p[0] + y * p[1] + z * p[2]) * (1.0 - c)
    cross = [y * p[2] - z * p[1], z * p[0] - x * p[2], x * p[1] - y * p[0]]
    return [p[i] * c + cross[i] * s + axis * along for i, axis in enumerate((x, y, z))]


# --- hand tracking --------------------------------------------------------------------------------


def hand(theta: list[Any], us: Matrix, data: Any) -> list[Any]:
    """What points on the hand's surface lack to the measured ones: three numbers for each. `theta`:
    the hand's rotation (3), its place (3), and the five fingers' bends (4 each). `us`: where on
    their triangles the points are; none: the points are vertices."""
    model, errors = data["model"], []
    bones = transforms(model, bends(theta, len(model["bone_names"])))
    turn, place = rotation(theta[:3]), theta[3:6]
    vertices: dict[int, list[Any]] = {}  # only of those that are looked at

    def vertex(i: int) -> list[Any]:
        if i not in vertices:
            posed = skinned(model, bones, i)
            vertices[i] = [a + b for a, b in zip(times(turn, posed), place)]
        return vertices[i]

    for i, (where, measured) in enumerate(zip(data["correspondences"], data["points"])):
        if us:
            a, b, c = [vertex(corner) for corner in model["triangles"][where]]
            u, v = us[i]
            found = [u * a[j] + v * b[j] + (1.0 - u - v) * c[j] for j in range(3)]
        else:
            found = vertex(where)
        errors += [m - x for m, x in zip(measured, found)]
    return errors


def bends(theta: list[Any], bones: int) -> list[list[Any]]:
    """Each bone's angles around x, z, y: of a finger's four bones the last three bend, and the
    first of these turns sideways, too."""
    angles = [[0.0, 0.0, 0.0] for _ in range(bones)]
    rest = iter(theta[6:])
    for finger in range(5):
        for joint in range(3):
            bone = angles[2 + 4 * finger + joint]
            bone[0] = next(rest)
            if joint == 0:
                bone[1] = next(rest)
    return angles


def transforms(model: Any, angles: list[list[Any]]) -> list[Matrix]:
    """For each bone, where it moves what is at rest: 3 x 4."""
    places: list[Matrix] = []
    for parent, rest, angle in zip(model["parents"], model["base_relatives"], angles):
        local = product(rest, homogeneous(turned(angle)))
        places.append(local if parent == -1 else product(places[parent], local))
    return [
        product(place, inverse)[:3]
        for place, inverse in zip(places, model["inverse_base_absolutes"])
    ]


def skinned(model: Any, bones: list[Matrix], i: int) -> list[Any]:
    """A vertex, between where its bones would have it."""
    position: list[Any] = [0.0, 0.0, 0.0]
    for bone, weight in zip(bones, model["weights"][i]):
        if weight:
            moved = times(bone, model["base_positions"][i])
            position = [a + weight * b for a, b in zip(position, moved)]
    return [-position[0], *position[1:]] if model["is_mirrored"] else position


def rotation(r: list[Any]) -> Matrix:
    """The matrix of a rotation vector: its columns are the axes, turned."""
    columns = [rotated(r, axis) for axis in ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0])]
    return [list(row) for row in zip(*columns)]


def turned(angles: list[Any]) -> Matrix:
    """Around x, then y, then z; the angles are those around x, z and y."""
    (cx, cz, cy), (sx, sz, sy) = [cos(a) for a in angles], [sin(a) for a in angles]
    return [
        [cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz],
        [cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz],
        [-sy, sx * cy, cx * cy],
    ]


def homogeneous(rows: Matrix) -> Matrix:
    return [*[[*row, 0.0] for row in rows], [0.0, 0.0, 0.0, 1.0]]


def product(a: Matrix, b: Matrix) -> Matrix:
    return [[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]


def times(a: Matrix, x: list[Any]) -> list[Any]:
    return [sum(v * w for v, w in zip(row, x)) for row in a]
