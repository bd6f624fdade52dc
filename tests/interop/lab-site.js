// What the tests of firewalls run in: the laboratory with our server, a web server, and proxies on the client's router.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLIENT_ADDRESS, NatLab, ROUTERS } from '../support/nat-lab.js';
import { LabProcess } from './lab-process.js';
import { serverOptions } from './lab-setting.js';
import { tinyproxyArguments } from './tinyproxy.js';

/** Proxies on the router: one connects to port 443 only, the other asks for a login besides. */
export const LOGIN = /** @type {[string, string]} */ (['user', 'pass']);
export const PROXIES = [
  { port: 3128, connectPorts: [443] },
  { port: 3129, connectPorts: [443], login: LOGIN },
];
/** @param {number} port @param {string} [login] */
export const proxyUrl = (port, login = '') => `http://${login}${ROUTERS[0].lan}:${port}`;

/** A lab with a server and proxies; clients are added. */
export class LabSite {
  lab = new NatLab();
  folder = mkdtempSync(join(tmpdir(), 'postern-firewall-'));
  /** @type {LabProcess[]} */ #processes = [];
  /** @type {import('node:child_process').ChildProcess[]} */ #proxies = [];

  /** Without its server. */
  open() {
    this.lab.open();
    for (const { port, ...options } of PROXIES) {
      const folder = mkdtempSync(join(this.folder, 'proxy-'));
      const address = ROUTERS[0].lan;
      const args = tinyproxyArguments(folder, {
        port,
        address,
        client: CLIENT_ADDRESS,
        ...options,
      });
      this.#proxies.push(this.lab.spawn('inner', 'tinyproxy', args, { stdio: 'ignore' }));
    }
  }

  /**
   * Starts the server.
   *
   * @param {import('./lab-setting.js').LabFiles} files
   * @param {object} [more] options
   */
  async serve(files, more) {
    await this.start('server', 'lab-server.js', serverOptions(files, more)).next();
  }

  /**
   * A program that ends with the lab.
   *
   * @param {'server' | 'client'} host
   * @param {string} script
   * @param {...(string | object)} args
   */
  start(host, script, ...args) {
    const started = new LabProcess(this.lab, host, script, ...args);
    this.#processes.push(started);
    return started;
  }

  async close() {
    await Promise.all(this.#processes.map((one) => one.close()));
    for (const child of this.#proxies) {
      const ended = once(child, 'exit');
      if (child.exitCode === null && child.kill('SIGKILL')) await ended;
    }
    this.lab.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
