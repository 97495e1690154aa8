class Ask
  def call(text)
    RubyLLM.client.chat(text)
    RubyLLM.complete(prompt: text)
    RubyLLM.new.chat(text)
  end
end
