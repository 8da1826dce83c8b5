package nn

// Poison tells whether lent memory is dropped on Reset: then a step allocates.
const Poison = poison
