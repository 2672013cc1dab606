// What the twin runs under (node --require): it listens on 127.0.0.1 alone, reaches nobody, and its
// clock can be put forward.
'use strict'
const net = require('node:net')

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port, ...rest) {
  if (typeof port !== 'number') throw new Error('the counterpart listens on a port of 127.0.0.1 only')
  return listen.call(this, { port, host: '127.0.0.1' }, rest.find((one) => typeof one === 'function'))
}
net.Socket.prototype.connect = function () {
  throw new Error('the counterpart reaches nobody')
}

const RealDate = Date
globalThis.aheadMs = 0
globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length > 0) super(...given)
    else super(RealDate.now() + globalThis.aheadMs)
  }
  static now() {
    return RealDate.now() + globalThis.aheadMs
  }
}
