/** The writer of SVG: what it writes is well-formed, whatever stands in attributes and in text. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { element } from '../../../../scripts/bench/plots/svg.js';
import { assertWellFormed } from '../../../support/bench/xml.js';

test('elements have attributes and children', () => {
  const line = element('line', { x1: 0, x2: 10.128, class: 'grid' });
  assert.is(element('g', {}, line, 'text').svg, '<g><line x1="0" x2="10.13" class="grid"/>text</g>');
});

test('what has a meaning in XML is escaped', () => {
  const { svg } = element('text', { 'data-of': 'a "b" <c> & d' }, 'p99 < 10 ms & "late" >');
  assert.is(
    svg,
    '<text data-of="a &quot;b&quot; &lt;c&gt; &amp; d">p99 &lt; 10 ms &amp; &quot;late&quot; &gt;</text>',
  );
  assertWellFormed(svg);
});

test('the check of these specs refuses what is not well-formed', () => {
  for (const wrong of ['<g>', '<g></a>', '<a b=c/>', '<a>&</a>', '<a/><b/>', '<a>1 < 2</a>'])
    assert.throws(() => assertWellFormed(wrong), undefined, wrong);
});

test.run();
