class Answer
  def call(text)
    response = chat.ask(text)
    return response.text if response.respond_to?(:text)

    defined?(RubyLLM::Client) ? nil : response.content
  end

  def chat
    RubyLLM.chat.tap { |c| c.temperature = 0.5 if c.respond_to?(:temperature=) }
  end
end
