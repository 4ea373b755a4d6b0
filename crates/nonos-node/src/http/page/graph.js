// Where nodes are drawn: this one in the middle, those it is connected to around it, those it only knows of outside.
// The same nodes are always in the same places.

/** Nodes on an ellipse as wide as the window lets it be, by name; a full one begins another. */
export function rings(ids, radius, gap, room, wide) {
  const placed = new Map();
  const sorted = [...ids].sort();
  let ring = 0;
  while (sorted.length > 0) {
    const far = radius + ring * gap;
    const fits = Math.max(1, Math.floor((2 * Math.PI * far) / room));
    const here = sorted.splice(0, fits);
    // No line straight through the name below a node: even numbers begin beside the middle, and one alone is on the long side.
    const alone = wide > 1 ? 0 : Math.PI / 2;
    const first = here.length === 1 ? alone : here.length % 2 === 0 ? -Math.PI / 2 + Math.PI / here.length : -Math.PI / 2;
    here.forEach((id, at) => {
      const angle = first + (2 * Math.PI * (at + (ring % 2) / 2)) / here.length;
      placed.set(id, { x: wide * far * Math.cos(angle), y: far * Math.sin(angle) });
    });
    ring += 1;
  }
  return { placed, outer: ring === 0 ? 0 : radius + (ring - 1) * gap };
}

/** How much of the plane is drawn, to either side of the middle; few nodes are not drawn larger than many. */
export function frame(points, wide) {
  const far = (axis, least) => points.reduce((most, it) => Math.max(most, Math.abs(it[axis])), least);
  return { x: far("x", wide > 1 ? 260 : 90) + 48, y: far("y", wide > 1 ? 110 : 60) + 36 };
}
