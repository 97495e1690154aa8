module Authentication
  def request_login
    session[:return_to_after_login] = request.url
    redirect_to new_session_path
  end
end
