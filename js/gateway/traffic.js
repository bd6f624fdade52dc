/** Messages and bytes of one connection, or of several. */
export class Traffic {
  dataIn = 0;
  controlIn = 0;
  dataOut = 0;
  controlOut = 0;
  bytesIn = 0;
  bytesOut = 0;

  get messages() {
    return this.dataIn + this.controlIn + this.dataOut + this.controlOut;
  }

  get bytes() {
    return this.bytesIn + this.bytesOut;
  }

  /** @param {Traffic} other */
  add(other) {
    this.dataIn += other.dataIn;
    this.controlIn += other.controlIn;
    this.dataOut += other.dataOut;
    this.controlOut += other.controlOut;
    this.bytesIn += other.bytesIn;
    this.bytesOut += other.bytesOut;
  }
}
