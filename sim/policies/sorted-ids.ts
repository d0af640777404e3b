/** Lists of ids in rising order, at the front of an array. Each returns the new count. */

export function insertSorted(list: Int32Array, count: number, value: number): number {
  let index = count;
  while (index > 0 && list[index - 1]! > value) {
    list[index] = list[index - 1]!;
    index--;
  }
  list[index] = value;
  return count + 1;
}

export function removeSorted(list: Int32Array, count: number, value: number): number {
  const index = list.indexOf(value);
  list.copyWithin(index, index + 1, count);
  return count - 1;
}
