// The twin as a child process: one JSON object a line on stdin, its answer a line on stdout. It ends
// when stdin ends, so it cannot outlive the tests.
import readline from 'node:readline'
import { DigitalDiscord } from 'discord-digital-twin'

const twin = new DigitalDiscord(JSON.parse(process.argv[2]))

const verbs = {
  state: () => twin.loadGatewayState(),
  write: (given) => twin.simulateUserMessage(given),
  edit: (given) => twin.simulateUserMessageEdit(given),
  interact: (given) => twin.simulateInteraction(given),
  rows: ({ table, action, given }) => twin.prisma[table][action](given),
  broadcast: ({ event, data }) => twin.server.gateway.broadcast(event, data),
  ahead: ({ ms }) => {
    globalThis.aheadMs = ms
  },
}

function say(answer) {
  process.stdout.write(JSON.stringify(answer) + '\n')
}

await twin.start()
say({ port: twin.port, botUserId: twin.botUserId })

const lines = readline.createInterface({ input: process.stdin })
lines.on('line', async (line) => {
  const { id, verb, given } = JSON.parse(line)
  try {
    say({ id, result: (await verbs[verb](given)) ?? null })
  } catch (error) {
    say({ id, error: String(error) })
  }
})
lines.on('close', () => process.exit(0))
