class Reply
  def call(chat, text)
    Rails.logger.info("RubyLLM.client and Openrouter::Client are no API: #{chat.user.name}")
    response = Llm::Client.new.chat(messages: chat.messages + [{ role: :user, content: text }])
    chat.system
    chat.user.messages = [response]
    response.text if response.respond_to?(:text)
  end
end
