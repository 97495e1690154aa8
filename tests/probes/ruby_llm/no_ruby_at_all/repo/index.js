console.log("RubyLLM.chat")
