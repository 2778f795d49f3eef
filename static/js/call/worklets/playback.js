/** What the caller hears: 24 kHz PCM16 in, played evenly at the device's rate. */

import { JitterBuffer } from "../jitter.js";
import { Resampler, WIRE_RATE_HZ, pcm16ToFloat } from "../pcm.js";

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.jitter = new JitterBuffer({ rateHz: WIRE_RATE_HZ });
    this.resampler = new Resampler(WIRE_RATE_HZ, sampleRate);
    this.ready = new Float32Array(0);
    this.port.onmessage = (event) => {
      this.jitter.push(pcm16ToFloat(new Int16Array(event.data)));
    };
  }

  /**
   * @param {Float32Array[][]} _inputs
   * @param {Float32Array[][]} outputs
   */
  process(_inputs, outputs) {
    const [first, ...others] = outputs[0];
    while (this.ready.length < first.length) {
      const missing = first.length - this.ready.length;
      const count = Math.ceil((missing * WIRE_RATE_HZ) / sampleRate) + 1;
      const more = this.resampler.process(this.jitter.pull(count));
      const joined = new Float32Array(this.ready.length + more.length);
      joined.set(this.ready);
      joined.set(more, this.ready.length);
      this.ready = joined;
    }
    first.set(this.ready.subarray(0, first.length));
    this.ready = this.ready.slice(first.length);
    for (const channel of others) channel.set(first);
    return true;
  }
}

registerProcessor("playback", Playback);
