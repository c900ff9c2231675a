"""How much is computed: floating-point operations of layers, of the decoder, and of any TensorFlow graph.

A multiplication and an addition are two operations. Only products of matrices and convolutions are counted; padding
counts like other pixels, as the kernels multiply it too (or a matrix product in their place). What is not a product
(normalisation, activations) costs memory, not FLOPs: `roofline`.
"""

import math
from typing import NamedTuple

from aigc_course.errors import CourseError, whole_number

__all__ = [
    "PRODUCTS",
    "Work",
    "convolution",
    "decoder_flops",
    "decoder_weights",
    "dense",
    "graph_work",
    "layer_works",
    "transposed_convolution",
]

_QUIET = {"Const", "NoOp", "Identity", "Placeholder", "ReadVariableOp", "Shape", "Reshape", "StridedSlice", "Pack"}
_QUIET |= {"ExpandDims", "Squeeze", "Size", "ResourceGather", "StopGradient", "PreventGradient", "IdentityN"}


class Work(NamedTuple):
    """What one piece of a network does for one batch."""

    name: str
    flops: float  # of products
    bytes: float  # that must pass the memory: inputs and weights read once, outputs written once

    @property
    def intensity(self):
        """FLOPs for each byte moved (Williams et al., 2009)."""
        return self.flops / self.bytes


def dense(inputs, outputs):
    """FLOPs of x W for one example: 2 · inputs · outputs."""
    return 2 * whole_number(inputs, "inputs") * whole_number(outputs, "outputs")


def convolution(side, kernel, inputs, outputs):
    """FLOPs of a convolution for one image: each of the side² places that come out takes kernel² · inputs products.

    Args:
        side: int, of the image that comes *out*.
        kernel: int, side of the kernel.
        inputs, outputs: int, channels.
    """
    return whole_number(side, "side") ** 2 * whole_number(kernel, "kernel") ** 2 * dense(inputs, outputs)


def transposed_convolution(side, kernel, inputs, outputs):
    """FLOPs of a transposed convolution: each of the side² places that go *in* is spread by the kernel."""
    return convolution(side, kernel, inputs, outputs)


def decoder_weights(vocabulary, width, depth):
    """N of the decoder: the weights that a token is multiplied with, 12 depth width² + vocabulary width.

    Attention has 4 width², the MLP 8 width²; the output matrix is the embedding, whose rows are read and not
    multiplied at the input. Biases and norms are left out.
    """
    sizes = {"vocabulary": vocabulary, "width": width, "depth": depth}
    v, w, d = (whole_number(value, name) for name, value in sizes.items())
    return 12 * d * w**2 + v * w


def decoder_flops(vocabulary, width, depth, context):
    """FLOPs of one token forward: 2 N, and 4 · context · width in each layer for scores and mixing.

    Every score of the square is computed, also those that the mask then takes away. Training takes three times as
    many: forward, slopes of the inputs, slopes of the weights; 6 N of them come from N (Kaplan et al., 2020).
    """
    context = whole_number(context, "context")
    return 2 * decoder_weights(vocabulary, width, depth) + 4 * context * width * depth


# --- Keras networks ---------------------------------------------------------------------------------------


def _of_layer(layer):
    """FLOPs of a built Keras layer for one example."""
    kind = {name.__name__ for name in type(layer).__mro__}
    if "Dense" in kind:
        return dense(*layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
    if "Conv2DTranspose" in kind:
        kernel, _, outputs, inputs = layer.kernel.shape
        return transposed_convolution(layer.input.shape[1], kernel, inputs, outputs)
    if "Conv2D" in kind:
        kernel, _, inputs, outputs = layer.kernel.shape
        return convolution(layer.output.shape[1], kernel, inputs, outputs)
    if layer.weights and "BatchNormalization" not in kind and "LayerNormalization" not in kind:
        raise CourseError(f"{layer.name} ({type(layer).__name__}) is not counted here: use graph_work.")
    return 0


def layer_works(network, batch, bytes_each=4):
    """`Work` of each layer of a Keras Sequential, forward.

    Args:
        network: built `keras.Sequential` with square images.
        batch: int.
        bytes_each: int, of a number: 4 in float32, 2 in bfloat16.
    """
    batch, bytes_each = whole_number(batch, "batch"), whole_number(bytes_each, "bytes_each")
    found = []
    for layer in network.layers:
        numbers = batch * (math.prod(layer.input.shape[1:]) + math.prod(layer.output.shape[1:]))
        numbers += sum(math.prod(weight.shape) for weight in layer.weights)
        found.append(Work(layer.name, batch * _of_layer(layer), bytes_each * numbers))
    return found


# --- any graph --------------------------------------------------------------------------------------------


def _matrix(node):
    """2 m k n, times the matrices side by side."""
    left, out = node.inputs[0].shape.as_list(), node.outputs[0].shape.as_list()
    flipped = any(node.type.startswith(kind) and node.get_attr(name) for kind, name in _FLIPS)
    return 2 * math.prod(out) * left[-2 if flipped else -1]


_FLIPS = (("MatMul", "transpose_a"), ("BatchMatMul", "adj_x"))


def _einsum(node):
    """2 × the product of all sizes that its letters have."""
    terms = node.get_attr("equation").decode().split("->")[0].split(",")
    sizes = {}
    for term, value in zip(terms, node.inputs, strict=True):
        sizes |= dict(zip(term, value.shape.as_list(), strict=True))
    return 2 * math.prod(sizes.values())


def _forward(node):
    """Places that come out times the kernel."""
    kernel, out = node.inputs[1].shape.as_list(), node.outputs[0].shape.as_list()
    return 2 * math.prod(out[:3]) * math.prod(kernel)


def _backward(node):
    """The same products as forward: places of the slope that comes in, times the kernel."""
    slope = node.inputs[2].shape.as_list()
    kernel = node.outputs[0].shape.as_list() if node.type.endswith("Filter") else node.inputs[1].shape.as_list()
    return 2 * math.prod(slope[:3]) * math.prod(kernel)


# kind of node -> its FLOPs from the shapes; all convolutions are channels-last
PRODUCTS = {
    "MatMul": _matrix,
    "BatchMatMulV2": _matrix,
    "BatchMatMul": _matrix,
    "Einsum": _einsum,
    "Conv2D": _forward,
    "Conv2DBackpropInput": _backward,
    "Conv2DBackpropFilter": _backward,
}


def graph_work(concrete, name="graph"):
    """`Work` of a traced TensorFlow function, whatever is in it: forward, backward, the optimizer.

    The FLOPs are those of all products that a result depends on. The bytes are what it moves if each operation reads
    its inputs from the memory and writes its outputs there: kernels that fuse operations, and caches, move less.

    Args:
        concrete: `tf.function(...).get_concrete_function(...)` with all shapes known.
        name: str.

    Raises:
        CourseError: a product's shape is not known: give the function tensors of a fixed shape.
    """
    flops = moved = 0.0
    for node in _nodes(concrete.graph):
        if node.type in PRODUCTS:
            flops += _checked(node)
        if node.type not in _QUIET:
            moved += sum(_bytes(value) for value in (*node.inputs, *node.outputs))
    return Work(name, flops, moved)


def _nodes(graph):
    """The operations of a graph, and of the functions that it calls, on which a result depends: others never run."""
    for node in _live(graph):
        if node.type in ("StatefulPartitionedCall", "PartitionedCall"):
            yield from _nodes(graph._get_function(node.get_attr("f").name).graph)
        else:
            yield node


def _live(graph):
    """The set of operations behind a graph's outputs and what it must do beside (assignments)."""
    waiting, found = [value.op for value in graph.outputs] + [*graph.control_outputs], set()
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += [value.op for value in node.inputs] + [*node.control_inputs]
    return found


def _checked(node):
    """FLOPs of a product whose shapes are known, or a CourseError."""
    try:
        return PRODUCTS[node.type](node)
    except (TypeError, ValueError) as error:
        raise CourseError(f"the shapes of {node.name} ({node.type}) are not all known: fix the batch.") from error


def _bytes(tensor):
    """Of a tensor; 0 where its shape is unknown or it is no tensor of numbers."""
    sizes = tensor.shape.as_list() if tensor.shape.rank is not None else [None]
    if None in sizes or tensor.dtype.size is None or tensor.dtype.name in ("resource", "variant", "string"):
        return 0
    return math.prod(sizes) * tensor.dtype.size
