class Ask
  def call(text)
    chat = RubyLLM.chat(provider: :openrouter)
    chat.with_instructions("Be brief.")
    chat.add_message(role: :user, content: "before")
    chat.say(text).content
  end
end
