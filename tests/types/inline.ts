// 'postern/codec/inline' has the types of 'postern/codec'.
import type * as codec from 'postern/codec';
import * as inline from 'postern/codec/inline';

const _same: typeof codec = inline;
const _message: codec.Message = inline.decode(
  inline.encode({ class: 'request', method: 'Binding' }),
);

export { _message, _same };
