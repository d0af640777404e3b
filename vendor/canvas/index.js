// The `canvas` API that chartjs-node-canvas needs, served by the prebuilt @napi-rs/canvas.
module.exports = require('@napi-rs/canvas/node-canvas');
