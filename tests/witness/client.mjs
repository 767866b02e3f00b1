// An independent OPC UA client: what it sees of the door, as one JSON object on stdout.
// usage: node client.mjs ENDPOINT USER PASSWORD FOLDER
// Certificates of this client are made in FOLDER.
import certificateManager from "node-opcua-certificate-manager";
import opcua from "node-opcua-client";

const { OPCUACertificateManager } = certificateManager;
const {
  AttributeIds,
  constructEventFilter,
  DataType,
  MessageSecurityMode,
  OPCUAClient,
  SecurityPolicy,
  TimestampsToReturn,
  UserTokenType,
} = opcua;

const [endpoint, userName, password, folder] = process.argv.slice(2);
const certificates = new OPCUACertificateManager({
  rootFolder: folder,
  automaticallyAcceptUnknownCertificate: true,
});
await certificates.initialize();
const base = {
  applicationName: "witness",
  endpointMustExist: false,
  clientCertificateManager: certificates,
  connectionStrategy: { maxRetry: 1, initialDelay: 100, maxDelay: 500 },
};
const node = (name) => `ns=2;s=${name}`;
const seen = {};

async function withSession(options, user, use) {
  const client = OPCUAClient.create({ ...base, ...options });
  await client.connect(endpoint);
  try {
    const session = await client.createSession(user);
    try {
      return await use(session, client);
    } finally {
      await session.close();
    }
  } finally {
    await client.disconnect();
  }
}

async function refusal(attempt) {
  try {
    await attempt();
    return "none";
  } catch (problem) {
    const found = /Bad[A-Za-z]+/.exec(String(problem.message ?? problem));
    return found ? found[0] : String(problem);
  }
}

const write = (session, name, value, dataType = DataType.Double) =>
  session.write({
    nodeId: node(name),
    attributeId: AttributeIds.Value,
    value: { value: { dataType, value } },
  });

const call = (session, method, inputArguments) =>
  session.call({ objectId: node("station"), methodId: node(`station.${method}`), inputArguments });

const text = (value) => ({ dataType: DataType.String, value });
const number = (value) => ({ dataType: DataType.Double, value });

// A guest over the open channel.
await withSession({}, undefined, async (session) => {
  const namespaces = await session.readNamespaceArray();
  seen.namespace = namespaces[2];
  const names = ["low.supply_temperature", "low.return_temperature", "low.pump_1_running", "low.mode"];
  const values = await session.read(names.map((name) => ({ nodeId: node(name), attributeId: AttributeIds.Value })));
  seen.values = values.map((one) => ({
    value: one.value.value,
    type: DataType[one.value.dataType],
    status: one.statusCode.name,
    time: one.sourceTimestamp && one.sourceTimestamp.getTime() / 1000,
  }));
  const unit = await session.read({ nodeId: node("low.supply_temperature/EngineeringUnits"), attributeId: AttributeIds.Value });
  seen.unit = { id: unit.value.value.unitId, text: unit.value.value.displayName.text };
  const children = await session.browse(node("low"));
  seen.children = children.references.map((one) => one.browseName.name).sort();
  seen.guestWrite = (await write(session, "low.supply_setpoint", 50)).name;
  seen.guestMethod = (await call(session, "Release", [text("low.valve_command")])).statusCode.name;
  const term = await call(session, "Explain", [text("low.valve_command")]);
  seen.explanation = JSON.parse(term.outputArguments[0].value).code;
});

// A subscriber: values that change and events. The test publishes each time it reads a line.
await withSession({}, undefined, async (session) => {
  const subscription = await session.createSubscription2({
    requestedPublishingInterval: 200,
    requestedLifetimeCount: 1000,
    requestedMaxKeepAliveCount: 10,
    publishingEnabled: true,
  });
  const heard = [];
  const values = await subscription.monitor(
    { nodeId: node("low.supply_temperature"), attributeId: AttributeIds.Value },
    { samplingInterval: 100, queueSize: 10, discardOldest: true },
    TimestampsToReturn.Both,
  );
  values.on("changed", (one) => heard.push([one.value.value, one.statusCode.name]));
  const events = await subscription.monitor(
    { nodeId: "i=2253", attributeId: AttributeIds.EventNotifier },
    { samplingInterval: 0, queueSize: 10, filter: constructEventFilter(["SourceName", "Message", "Severity"]) },
    TimestampsToReturn.Both,
  );
  const alarms = [];
  events.on("changed", (fields) =>
    alarms.push([fields[0].value, fields[1].value.text, fields[2].value]),
  );
  console.log("subscribed");
  for (let wait = 0; wait < 100 && (heard.length < 3 || alarms.length < 1); wait += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  seen.heard = heard;
  seen.alarms = alarms;
  await subscription.terminate();
});

// Users: never over the open channel, with the right password over encryption.
const secure = {
  securityMode: MessageSecurityMode.SignAndEncrypt,
  securityPolicy: SecurityPolicy.Basic256Sha256,
};
const user = { type: UserTokenType.UserName, userName, password };
seen.openPassword = await refusal(() => withSession({}, user, async () => undefined));
seen.wrongPassword = await refusal(() =>
  withSession(secure, { ...user, password: "wrong" }, async () => undefined),
);
await withSession(secure, user, async (session) => {
  seen.write = (await write(session, "low.supply_setpoint", 52)).name;
  const after = await session.read({ nodeId: node("low.supply_setpoint"), attributeId: AttributeIds.Value });
  seen.written = after.value.value;
  seen.outOfRange = (await write(session, "low.supply_setpoint", 99)).name;
  seen.wrongType = (await write(session, "low.supply_setpoint", "52", DataType.String)).name;
  seen.notWritable = (await write(session, "low.supply_temperature", 50)).name;
  const override = [text("low.valve_command"), number(30), number(15), text("witness")];
  seen.override = (await call(session, "Override", override)).statusCode.name;
  seen.fewArguments = (await call(session, "Override", override.slice(0, 2))).statusCode.name;
});

console.log(JSON.stringify(seen));
process.exit(0);
