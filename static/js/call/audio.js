/** Microphone and loudspeaker of the page. */

/** Why there is no microphone: one of refused, missing, busy, insecure, unsupported. */
export class MicrophoneError extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/**
 * @param {string} [deviceId] the one to prefer; if it is gone, any other
 * @returns {Promise<MediaStream>}
 */
export async function openMicrophone(deviceId = "") {
  if (!window.isSecureContext) throw new MicrophoneError("insecure");
  if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) {
    throw new MicrophoneError("unsupported");
  }
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: {
        channelCount: 1,
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
        ...(deviceId && { deviceId: { ideal: deviceId } }),
      },
    });
  } catch (error) {
    switch (/** @type {DOMException} */ (error).name) {
      case "NotAllowedError":
      case "SecurityError":
        throw new MicrophoneError("refused");
      case "NotFoundError":
      case "OverconstrainedError":
        throw new MicrophoneError("missing");
      default:
        throw new MicrophoneError("busy");
    }
  }
}

export class CallAudio {
  /**
   * @param {object} options
   * @param {string} options.captureUrl
   * @param {string} options.playbackUrl
   * @param {(pcm: ArrayBuffer, levelDbfs: number) => void} options.onSpeech
   * @param {() => void} options.onMicrophoneLost
   */
  constructor({ captureUrl, playbackUrl, onSpeech, onMicrophoneLost }) {
    this.captureUrl = captureUrl;
    this.playbackUrl = playbackUrl;
    this.onSpeech = onSpeech;
    this.onMicrophoneLost = onMicrophoneLost;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {AudioWorkletNode | null} */
    this.capture = null;
    /** @type {AudioWorkletNode | null} */
    this.playback = null;
    /** @type {GainNode | null} */
    this.gain = null;
    /** @type {MediaStreamAudioSourceNode | null} */
    this.source = null;
    /** @type {MediaStreamTrack | null} */
    this.track = null;
    this.volume = 1;
    this.isMuted = false;
  }

  /** Call it from a click: browsers start sound only then. @param {MediaStream | null} microphone */
  async open(microphone) {
    const context = new AudioContext({ latencyHint: "interactive" });
    this.context = context;
    await context.resume();
    await context.audioWorklet.addModule(this.playbackUrl);
    this.playback = new AudioWorkletNode(context, "playback", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    this.gain = new GainNode(context, { gain: this.volume });
    this.playback.connect(this.gain).connect(context.destination);
    if (microphone !== null) await this.use(microphone);
  }

  /** Speak into this one from now on. @param {MediaStream} microphone */
  async use(microphone) {
    const { context } = this;
    const [track] = microphone.getAudioTracks();
    if (context === null) {
      track.stop();
      return;
    }
    if (this.capture === null) {
      await context.audioWorklet.addModule(this.captureUrl);
      this.capture = new AudioWorkletNode(context, "capture", {
        numberOfOutputs: 1,
        channelCount: 1,
        channelCountMode: "explicit",
      });
      this.capture.port.onmessage = (event) => {
        if (this.track !== null) this.onSpeech(event.data.pcm, event.data.level);
      };
      // Its output is silent; being connected is what keeps it running everywhere.
      this.capture.connect(context.destination);
    }
    this.drop();
    this.track = track;
    track.enabled = !this.isMuted;
    track.onended = () => {
      if (this.track === track) this.onMicrophoneLost();
    };
    this.source = context.createMediaStreamSource(microphone);
    this.source.connect(this.capture);
  }

  /** Let go of the microphone: the browser's own sign for it goes out as well. */
  drop() {
    const { track } = this;
    this.track = null;
    this.source?.disconnect();
    this.source = null;
    track?.stop();
  }

  /** Muted is muted at the microphone itself: only silence leaves the page. @param {boolean} muted */
  mute(muted) {
    this.isMuted = muted;
    if (this.track) this.track.enabled = !muted;
  }

  /** @param {number} volume 1 is as it comes */
  setVolume(volume) {
    this.volume = volume;
    if (this.gain && this.context) {
      this.gain.gain.setTargetAtTime(volume, this.context.currentTime, 0.02);
    }
  }

  /** @param {Int16Array} pcm */
  play(pcm) {
    const copy = pcm.slice().buffer;
    this.playback?.port.postMessage(copy, [copy]);
  }

  /** Phones suspend sound when another app takes it. */
  async wake() {
    if (this.context?.state === "suspended") await this.context.resume();
  }

  async close() {
    this.drop();
    if (this.context && this.context.state !== "closed") await this.context.close();
    this.context = null;
  }
}
