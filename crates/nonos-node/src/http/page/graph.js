// Where nodes are drawn: this one in the middle, those it is connected to around it, those it only knows of outside.
// The same nodes are always in the same places.

/** Nodes on a circle, by name; a full circle begins another. */
export function rings(ids, radius, gap, room) {
  const placed = new Map();
  const sorted = [...ids].sort();
  let ring = 0;
  while (sorted.length > 0) {
    const far = radius + ring * gap;
    const fits = Math.max(1, Math.floor((2 * Math.PI * far) / room));
    const here = sorted.splice(0, fits);
    here.forEach((id, at) => {
      const angle = -Math.PI / 2 + (2 * Math.PI * (at + (ring % 2) / 2)) / here.length;
      placed.set(id, { x: far * Math.cos(angle), y: far * Math.sin(angle), angle });
    });
    ring += 1;
  }
  return { placed, outer: ring === 0 ? 0 : radius + (ring - 1) * gap };
}
