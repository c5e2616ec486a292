// One file through tus-js-client, told on the command line: module folder, endpoint, file, cookie, chunk size (0: none).
const { createReadStream, statSync } = require('node:fs')
const { join } = require('node:path')

const [modules, endpoint, file, cookie, chunk] = process.argv.slice(2)
const { Upload } = require(join(modules, 'tus-js-client'))

let retries = 0
const acknowledged = []
const upload = new Upload(createReadStream(file), {
  endpoint,
  uploadSize: statSync(file).size,
  chunkSize: Number(chunk) || Infinity,
  headers: { Cookie: cookie, 'Sec-Fetch-Site': 'same-origin' },
  metadata: { filename: 'gespräche.csv', filetype: 'text/csv' },
  retryDelays: Array(2000).fill(5),
  onShouldRetry: () => {
    retries += 1
    return true
  },
  onAfterResponse: (request, response) => {
    const offset = response.getHeader('Upload-Offset')
    if (request.getMethod() !== 'POST' && response.getStatus() < 300 && offset) acknowledged.push(Number(offset))
  },
  onError: (error) => {
    console.error(String(error))
    process.exit(1)
  },
  onSuccess: () => {
    console.log(JSON.stringify({ url: upload.url, retries, acknowledged }))
  },
})
upload.start()
