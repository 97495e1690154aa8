class MessagesController < ApplicationController
  before_action :load_turns
  rescue_from RubyLLM::Error, with: :tell

  def index
    render @turns
  end

  def create
    @message = Message.new(content: params[:text])
    render partial: "messages/#{@message.role}_bubble", locals: { message: @message }
  end

  def default_url_options = { locale: "en" }

  def after_sign_in_path_for(_user) = root_path

  private

  def load_turns
    @turns = session[:turns]
  end

  def tell
    head :bad_gateway
  end
end
