import { Injectable } from '@nestjs/common';

export interface Cat {
  name: string;
  age: number;
}

const CATS: readonly Cat[] = [
  { name: 'Mia', age: 3 },
  { name: 'Tom', age: 7 },
];

@Injectable()
export class CatsService {
  async all(minAge = 0): Promise<Cat[]> {
    return CATS.filter(({ age }) => age >= minAge);
  }

  async one(index: number): Promise<Cat | undefined> {
    return CATS[index];
  }
}
