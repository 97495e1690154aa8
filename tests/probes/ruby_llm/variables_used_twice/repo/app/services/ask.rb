class Ask
  def call(text)
    response = http.get("/status")
    return response.body if response.text == "down"

    response = RubyLLM.chat.ask(text)
    response.body
  end

  def other(record)
    message = record || Message.new
    message.text
    text = RubyLLM.chat.ask("x").content
    text.output
  end
end
