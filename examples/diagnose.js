// Telling failures apart: by code, not by sentence.
//   node examples/diagnose.js stun:stun.example.org stuns:stun.example.org
import { getMappedAddress } from 'postern';

for (const url of process.argv.slice(2)) {
  try {
    const { address, port, transport } = await getMappedAddress(url, { timeoutMs: 5000 });
    console.log(`${url}: ${address}:${port} over ${transport}`);
  } catch (error) {
    const { code, phase, message, hint, errorCode } =
      /** @type {import('postern').PosternError} */ (error);
    if (code === 'ERR_STUN_TIMEOUT') console.log(`${url}: blocked? ${message}`);
    else if (code === 'ERR_STUN_RESPONSE')
      console.log(`${url}: the server says ${errorCode}. ${hint}`);
    else console.log(`${url}: ${code} in phase ${phase}. ${message} ${hint ?? ''}`);
  }
}
