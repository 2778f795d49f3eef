/** The microphone: whatever its rate, out come 40 ms chunks of 24 kHz PCM16. */

import { CHUNK_SAMPLES, Chunker, Resampler, WIRE_RATE_HZ, floatToPcm16, levelDbfs } from "../pcm.js";

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, WIRE_RATE_HZ);
    this.chunker = new Chunker(CHUNK_SAMPLES);
    this.silence = new Float32Array(128);
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    // A microphone that is gone still ticks: the listener's clock must not stop.
    const samples = inputs[0]?.[0] ?? this.silence;
    for (const chunk of this.chunker.push(this.resampler.process(samples))) {
      const pcm = floatToPcm16(chunk).buffer;
      this.port.postMessage({ pcm, level: levelDbfs(chunk) }, [pcm]);
    }
    return true;
  }
}

registerProcessor("capture", Capture);
