const { BroadcastChannel } = require('node:worker_threads');
const { ClusterAdapterWithHeartbeat } = require('socket.io-adapter');

/** Takes what is emitted to rooms to the other threads of the process, over a BroadcastChannel for each namespace. */
class ThreadsAdapter extends ClusterAdapterWithHeartbeat {
  constructor(nsp) {
    super(nsp, {});
    this.channel = new BroadcastChannel(`socket.io ${nsp.name}`);
    this.channel.onmessage = ({ data }) => {
      if (data.to === undefined || data.to === this.uid) this.deliver(data);
    };
    this.channel.unref();
    this.init();
  }

  deliver({ message, response }) {
    if (message !== undefined) this.onMessage(message);
    else this.onResponse(response);
  }

  async doPublish(message) {
    this.channel.postMessage({ message });
    return '';
  }

  async doPublishResponse(to, response) {
    this.channel.postMessage({ to, response });
  }

  close() {
    super.close();
    this.channel.close();
  }
}

// socket.io calls it with `new`.
exports.createAdapter = () =>
  function adapter(nsp) {
    return new ThreadsAdapter(nsp);
  };
