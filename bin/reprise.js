#!/usr/bin/env node
import { program } from "./prepare.js";

await import(program);
