'use client';

import { useState } from 'react';
import { add } from './actions';

export function Counter() {
  const [count, setCount] = useState(0);
  const [sum, setSum] = useState('none');
  return (
    <>
      <button type="button" id="count" onClick={() => setCount(count + 1)}>
        {count}
      </button>
      <button type="button" id="add" onClick={async () => setSum(await add(2, 3))}>
        {sum}
      </button>
    </>
  );
}
