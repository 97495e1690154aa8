class Work
  def call(chat_record, text) = WorkAgent.find(chat_record.id).ask(text).content
end
