// Compiles Anchor.sol of the current directory with the solc whose folder is the first argument, into the
// folder that is the second. Nothing of the machine enters it: source names are fixed, and the metadata trailer is left out.
const fs = require("fs");
const solc = require(require("path").resolve(process.argv[2]));
const input = {
  language: "Solidity",
  sources: { "Anchor.sol": { content: fs.readFileSync("Anchor.sol", "utf8") } },
  settings: {
    // The instruction set that came with EIP-1559, which the client needs anyway: every later chain runs it.
    evmVersion: "london",
    optimizer: { enabled: true, runs: 10000 },
    metadata: { appendCBOR: false, bytecodeHash: "none" },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
for (const error of output.errors ?? []) process.stderr.write(error.formattedMessage);
if (output.errors?.length) process.exit(1);
const { abi, evm } = output.contracts["Anchor.sol"].Anchor;
const artefact = {
  compiler: solc.version(),
  settings: { evmVersion: input.settings.evmVersion, optimizer: input.settings.optimizer, metadata: input.settings.metadata },
  abi,
  bytecode: evm.bytecode.object,
  deployedBytecode: evm.deployedBytecode.object,
};
const write = (name, text) => fs.writeFileSync(`${process.argv[3]}/${name}`, text + "\n");
write("Anchor.json", JSON.stringify(artefact, null, 1));
write("Anchor.bin", artefact.bytecode);
write("Anchor.bin-runtime", artefact.deployedBytecode);
